"""The one place that talks to ClickHouse, over HTTP: a real server and the local engine alike.

What the server says in an error may quote the data, so only its number and name go further.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Protocol, Self
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DataError
from clickhouse_connect.driver.exceptions import Error as ServerError

from schemas.errors import Code, ConfigError, UnavailableError, WeirError
from streams.settings import Settings

Values = Mapping[str, object]
"""One row: a value for every column that it names."""

_CONNECT_SECONDS: Final = 5
_ANSWER_SECONDS: Final = 60  # shorter than Kafka's limit between two polls, 300 s

# Numbers of the server's errors that a row's values can cause. With any other the rows may be stored later: a block
# cut short on its way, say, must not turn good rows into dead letters.
_DATA_ERRORS: Final = frozenset(
    {
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND
        70,  # CANNOT_CONVERT_TYPE
        128,  # TOO_LARGE_ARRAY_SIZE
        131,  # TOO_LARGE_STRING_SIZE
        190,  # SIZES_OF_ARRAYS_DONT_MATCH
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        469,  # VIOLATED_CONSTRAINT
        691,  # UNKNOWN_ELEMENT_OF_ENUM
    }
)
# No such database, no such table: the migrations have not run.
_SCHEMA_ERRORS: Final = frozenset({16, 60, 81})


class RowsRefusedError(WeirError):
    """The store refuses at least one of the rows, and would refuse it again."""

    default_code = Code.POISON_ROW


class RowSink(Protocol):
    """Where rows go."""

    def insert(self, table: str, rows: Sequence[Values], token: str) -> None:
        """Store the rows, which all have the same columns, as one block; return once they are stored.

        The same block with the same token is stored once, however often it is sent.

        Raises:
            RowsRefusedError: nothing was stored, because of at least one of the rows.
            UnavailableError: it is not known whether anything was stored.
        """
        ...


class Store:
    """A connection to one database, for one thread. It connects when first used, and again after a failure.

    Raises, from every method:
        UnavailableError: the store does not answer, or cannot do what was asked at the moment.
        ConfigError: the database or a table does not exist.
    """

    def __init__(self, settings: Settings, database: str | None = None) -> None:
        self._settings = settings
        self._database = database
        self._client: Client | None = None
        self._types: dict[str, dict[str, str]] = {}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The store's own database."""
        return cls(settings, settings.database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection. May be called twice."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def command(self, statement: str, **parameters: object) -> None:
        """Run a statement that returns no rows, with ``{name:Type}`` parameters."""
        with self._errors():
            self._connected().command(statement, parameters=parameters)

    def select(self, query: str, **parameters: object) -> Sequence[Mapping[str, Any]]:
        """The rows of a query with ``{name:Type}`` parameters."""
        with self._errors():
            return list(self._connected().query(query, parameters=parameters).named_results())

    def insert(self, table: str, rows: Sequence[Values], token: str) -> None:
        """As ``RowSink`` says."""
        if not rows:
            return
        columns = list(rows[0])
        try:
            with self._errors():
                client = self._connected()
                types = self._column_types(table, columns)
                client.insert(
                    table,
                    [[row[column] for column in columns] for row in rows],
                    column_names=columns,
                    column_type_names=[types[column] for column in columns],
                    settings={"insert_deduplication_token": token, "async_insert": 0},
                )
        except (ValueError, TypeError, OverflowError, struct.error) as error:
            raise RowsRefusedError(f"a row cannot be written: {type(error).__name__}") from None

    def _column_types(self, table: str, columns: Sequence[str]) -> dict[str, str]:
        """The types of the table's columns. What is known is asked again where a column is new: it may be by now."""
        if not self._types.get(table, {}).keys() >= set(columns):
            described = self._connected().query(f"DESCRIBE TABLE {table}").named_results()
            self._types[table] = {row["name"]: row["type"] for row in described}
        if absent := set(columns) - self._types[table].keys():
            raise ConfigError(f"the table {table} has no such column: `weir migrate` adds it", field=min(absent))
        return self._types[table]

    def _connected(self) -> Client:
        if self._client is None:
            self._client = clickhouse_connect.get_client(**self._address(), **self._credentials())
        return self._client

    def _address(self) -> dict[str, Any]:
        url = urlsplit(self._settings.clickhouse_url or f"http://127.0.0.1:{self._settings.clickhouse_port}")
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ConfigError("should look like http://host:8123", field="WEIR_CLICKHOUSE_URL")
        secure = url.scheme == "https"
        return {
            "interface": url.scheme,
            "secure": secure,
            "host": url.hostname,
            "port": url.port or (8443 if secure else 8123),
            "proxy_path": url.path.strip("/"),
        }

    def _credentials(self) -> dict[str, Any]:
        return {
            "database": self._database,
            "username": self._settings.clickhouse_username,
            "password": self._settings.clickhouse_password.get_secret_value(),
            "ca_cert": str(self._settings.clickhouse_ca_file) if self._settings.clickhouse_ca_file else None,
            "client_name": "weir",
            "connect_timeout": _CONNECT_SECONDS,
            "send_receive_timeout": _ANSWER_SECONDS,
            "autogenerate_session_id": False,
        }

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DataError as error:
            raise RowsRefusedError(f"a row cannot be written: {type(error).__name__}") from None
        except ClickHouseError as error:
            raise self._translate(error) from None
        except OSError as error:
            self.close()
            raise UnavailableError(f"the store does not answer: {type(error).__name__}") from None

    def _translate(self, error: ClickHouseError) -> WeirError:
        number, name = (error.code, error.name) if isinstance(error, ServerError) else (None, None)
        if number in _DATA_ERRORS:
            return RowsRefusedError(f"the store refuses a row: {name or number}")
        if number in _SCHEMA_ERRORS:
            self._types.clear()
            return ConfigError(f"the store has no such table: {name or number}; `weir migrate` makes them")
        if number is None:
            self.close()
            return UnavailableError(f"the store does not answer: {type(error).__name__}")
        return UnavailableError(f"the store cannot do this now: {name or number}")
