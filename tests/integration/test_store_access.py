"""The way to the store over TLS, and what somebody may do who only reads: on the real engine."""

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from schemas.errors import UnavailableError
from streams.settings import Settings
from streams.store.client import Store
from streams.store.migrations import migrate
from streams.store.sql import statements
from tests.fixtures.engine import connect
from tests.fixtures.secure_broker import certificates

pytestmark = pytest.mark.store
ANALYSTS = Path(__file__).parents[2] / "deploy" / "clickhouse" / "analysts.sql"
PASSWORD = "qzx-store-password"


class Terminal:
    """TLS in front of the engine, as a server of one's own has it; ``heard`` is what clients said."""

    def __init__(self, url, keystore):
        parts = urlsplit(url)
        self._engine = (parts.hostname, parts.port)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(keystore)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self.heard = bytearray()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with suppress(OSError):  # a client that does not trust the certificate
                    inside = self._context.wrap_socket(client, server_side=True)
                    outside = socket.create_connection(self._engine)
                    for pair, kept in (((inside, outside), self.heard), ((outside, inside), bytearray())):
                        threading.Thread(target=self._copy, args=(*pair, kept), daemon=True).start()

    def _copy(self, source, target, kept):
        with suppress(OSError):
            while data := source.recv(65_536):
                kept += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """The file of an authority, and one with a key and a certificate that it has signed."""
    return certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def terminal(clickhouse_url, authority):
    opened = Terminal(clickhouse_url, authority[1])
    yield opened
    opened.close()


def test_the_store_is_used_over_tls(terminal, authority, database):
    """With the authority's file everything works, and the password goes only inside, never into a repr."""
    settings = Settings(
        clickhouse_url=terminal.url, clickhouse_ca_file=authority[0], clickhouse_password=PASSWORD, database=database
    )
    assert any(applied.new for applied in migrate(settings))
    with Store.of(settings) as store:
        assert store.select("SELECT count() AS rows FROM v_verdicts") == [{"rows": 0}]
    assert b"authorization: basic" in bytes(terminal.heard).lower()
    assert PASSWORD not in repr(settings)


def test_a_server_of_another_authority_is_not_trusted(terminal, database):
    """Without the file the certificate is not believed, and nothing is said to whoever has it."""
    settings = Settings(clickhouse_url=terminal.url, clickhouse_password=PASSWORD, database=database)
    with Store.of(settings) as store, pytest.raises(UnavailableError) as caught:
        store.select("SELECT 1 AS one")
    assert PASSWORD not in str(caught.value)
    assert not terminal.heard


def test_the_engine_reads_the_roles(clickhouse):
    """Every statement for analysts is one that the engine understands. The embedded engine keeps no users."""
    found = statements(ANALYSTS.read_text(encoding="utf-8"))
    assert len(found) == 7
    for statement in found:
        clickhouse.command(f"EXPLAIN AST {statement}")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO verdicts (app) VALUES ('x')",
        "ALTER TABLE verdicts DELETE WHERE 1",
        "DROP TABLE verdicts",
        "TRUNCATE TABLE ledger",
        "CREATE TABLE mine (a Int8) ENGINE = MergeTree ORDER BY a",
    ],
)
def test_who_only_reads_changes_nothing(database_settings, statement):
    """The profile's `readonly = 2` lets read and set limits, and refuses to write."""
    client = connect(database_settings.clickhouse_url, database=database_settings.database)
    reading = {"readonly": 2, "max_execution_time": 20}
    try:
        assert client.query("SELECT count() FROM v_verdicts", settings=reading).result_rows == [(0,)]
        with pytest.raises(Exception, match=r"164|READONLY"):
            client.command(statement, settings=reading)
    finally:
        client.close()
