"""The ClickHouse engine inside this process, on a directory of its own.

One process owns a directory, and must not fork once the engine is open: a fork hangs. Every query runs on a connection
of its own (a few milliseconds), so that settings, the current database and temporary tables end with it.
"""

import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from tempfile import NamedTemporaryFile
from typing import Final, Protocol
from xml.sax.saxutils import escape

from streams.local.native import UnmeasuredError, header_block, upgrade
from streams.local.statement import Kind, Statement

NOT_IMPLEMENTED: Final = 48
UNKNOWN_SETTING: Final = 115
_UNKNOWN_EXCEPTION = 1002
_CODE = re.compile(r"Code: (\d+)\.")
_SETTING_NAME = re.compile(r"[A-Za-z_]\w*")
# Blocks of these formats may be joined; others have a head or a foot and are made as a whole.
_JOINABLE: Final = frozenset(
    {"Native", "TabSeparated", "TSV", "TabSeparatedRaw", "TSVRaw", "CSV", "RowBinary", "JSONEachRow", "JSONLines"}
)


class _Rows(Protocol):
    def bytes(self) -> bytes: ...
    def rows_read(self) -> int: ...


class _Stream(Protocol):
    def __iter__(self) -> Iterator[_Rows]: ...
    def cancel(self) -> None: ...


class _Connection(Protocol):
    """What is used of a chdb connection."""

    def query(self, query: str, format: str = "CSV", params: Mapping[str, str] | None = None) -> _Rows: ...  # noqa: A002 - its name
    def send_query(self, query: str, format: str, params: Mapping[str, str] | None) -> _Stream: ...  # noqa: A002 - its name
    def close(self) -> None: ...


class EngineError(Exception):
    """What the engine answered instead of a result: ClickHouse's error ``code`` and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(text[max(text.find("Code: "), 0) :])
        code = _CODE.search(text)
        self.code = int(code[1]) if code else _UNKNOWN_EXCEPTION


@dataclass(frozen=True, slots=True)
class Query:
    """A statement with what an HTTP request says about it. ``protocol`` is the client's version of Native."""

    statement: Statement
    format: str = "TabSeparated"
    database: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    protocol: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """What the engine may take: memory of the process and of one query in MiB, threads of one query."""

    server_mib: int = 2048
    query_mib: int = 1536
    threads: int = 2


class Answer:
    """The result of a query, piece by piece; ``written_rows`` and ``written_bytes`` of an INSERT.

    May be used from any thread, by one at a time. ``close`` must be called, may be repeated, and waits for a ``fetch``
    that is running elsewhere.
    """

    def __init__(self, pieces: Iterable[bytes] = (), *, written_rows: int = 0, written_bytes: int = 0) -> None:
        self.written_rows = written_rows
        self.written_bytes = written_bytes
        self._pieces = iter(pieces)
        self._closers: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    def on_close(self, closer: Callable[[], object]) -> None:
        """Call ``closer`` when the answer is closed; the first one added first."""
        self._closers.append(closer)

    def fetch(self) -> bytes | None:
        """The next piece, not empty; None after the last one.

        Raises:
            EngineError: the query failed on its way.
        """
        with self._lock:
            try:
                return next((piece for piece in self._pieces if piece), None)
            except UnmeasuredError as error:
                raise EngineError(f"Code: {NOT_IMPLEMENTED}. DB::Exception: {error}. (NOT_IMPLEMENTED)") from None
            except RuntimeError as error:
                raise EngineError(str(error)) from None

    def close(self) -> None:
        """Cancel what is left of the query and give its connection up."""
        with self._lock:
            self._pieces = iter(())
            while self._closers:
                self._closers.pop(0)()  # cancelling on a closed connection would crash the engine


class EmbeddedEngine:
    """Runs queries on the engine in ``directory``. Thread-safe."""

    def __init__(self, directory: Path, limits: Limits | None = None) -> None:
        self._directory = directory.absolute()
        self._limits = limits or Limits()
        self._connect: Callable[[], _Connection] | None = None
        self._kept: _Connection | None = None  # the engine lives as long as one connection does
        self._lock = threading.Lock()

    def open(self) -> None:
        """Open the directory, making it if it is not there.

        Raises:
            EngineError: another process has it open, or it cannot be used.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        server = self._write_configuration()
        from chdb.state import connect  # noqa: PLC0415 - importing chdb starts an engine and takes half a second

        address = f"{self._directory / 'data'}?config-file={server}"
        self._connect = lambda: connect(address)
        try:
            self._kept = self._connect()
        except RuntimeError as error:
            raise EngineError(str(error)) from None

    def close(self) -> None:
        """Close the directory. Answers must be closed before."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def run(self, query: Query) -> Answer:
        """Run a query up to its first piece of result; an INSERT is committed when this returns.

        Raises:
            EngineError: the engine refused or failed.
        """
        assert self._connect is not None, "the engine is not open"
        with self._lock:
            connection = self._connect()
        try:
            for statement in _preparations(query):
                connection.query(statement)
            answer = self._run(connection, query)
        except BaseException as error:
            connection.close()
            if isinstance(error, RuntimeError):
                raise EngineError(str(error)) from None
            raise
        answer.on_close(connection.close)
        return answer

    def _run(self, connection: _Connection, query: Query) -> Answer:
        statement = query.statement
        if statement.kind is Kind.INSERT:
            return _insert(connection, statement, query)
        if statement.kind is Kind.SELECT and query.format in _JOINABLE:
            return _stream(connection, statement, query)
        result = connection.query(statement.sql, query.format, params=dict(query.parameters))
        return Answer([_for_client(result.bytes(), query)])

    def _write_configuration(self) -> Path:
        limits = self._limits
        values = {
            "users": escape(str(self._directory / "users.xml")),
            "server_bytes": str(limits.server_mib << 20),
            "query_bytes": str(limits.query_mib << 20),
            "threads": str(limits.threads),
        }
        for name in ("users", "server"):
            template = Path(__file__).with_name(f"clickhouse_{name}.xml").read_text()
            (self._directory / f"{name}.xml").write_text(Template(template).safe_substitute(values))
        return self._directory / "server.xml"


def _preparations(query: Query) -> Iterator[str]:
    if query.database:
        quoted = query.database.replace("\\", "\\\\").replace("`", "\\`")
        yield f"USE `{quoted}`"
    # readonly forbids changing settings, so it comes last
    for name in sorted(query.settings, key=lambda name: name == "readonly"):
        if not _SETTING_NAME.fullmatch(name):
            raise EngineError(f"Code: {UNKNOWN_SETTING}. DB::Exception: not a setting's name. (UNKNOWN_SETTING)")
        value = query.settings[name].replace("\\", "\\\\").replace("'", "\\'")
        yield f"SET {name} = '{value}'"


def _insert(connection: _Connection, statement: Statement, query: Query) -> Answer:
    for name, value in query.parameters.items():
        if not _SETTING_NAME.fullmatch(name):
            raise EngineError(f"Code: {UNKNOWN_SETTING}. DB::Exception: not a parameter's name. (UNKNOWN_SETTING)")
        quoted = value.replace("\\", "\\\\").replace("'", "\\'")
        connection.query(f"SET param_{name} = '{quoted}'")
    # The engine's own insert by pieces hides what the table refuses, such as a violated constraint.
    with _as_file(statement.payload) as path:
        source = f"FROM INFILE '{path}' {statement.settings} FORMAT {statement.format or 'Values'}"
        done = connection.query(f"{statement.sql} {source}")
    return Answer(written_rows=done.rows_read(), written_bytes=len(statement.payload))


@contextmanager
def _as_file(payload: bytes) -> Iterator[str]:
    """The path of a file with the payload, which a crash does not leave behind where the system can prevent that."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("insert"), "wb") as body:
            body.write(payload)
            body.flush()
            yield f"/proc/self/fd/{body.fileno()}"
    else:
        with NamedTemporaryFile(prefix="weir-insert-") as named:
            named.write(payload)
            named.flush()
            yield named.name


def _stream(connection: _Connection, statement: Statement, query: Query) -> Answer:
    stream = connection.send_query(statement.sql, query.format, params=dict(query.parameters))
    pieces = (_for_client(chunk.bytes(), query) for chunk in stream)
    first = next(pieces, None)
    if first is None and query.format == "Native":
        # The engine writes nothing for no rows, where a server would name the columns.
        listed = connection.query(f"DESCRIBE TABLE ({statement.sql}\n)", "JSONCompactEachRow", params=query.parameters)
        described = [json.loads(line) for line in listed.bytes().splitlines()]
        columns = [(str(column[0]), str(column[1])) for column in described]
        return Answer([_for_client(header_block(columns), query)])
    answer = Answer(_chain(first, pieces))
    answer.on_close(stream.cancel)
    return answer


def _chain(first: bytes | None, rest: Iterable[bytes]) -> Iterator[bytes]:
    if first is not None:
        yield first
        yield from rest


def _for_client(data: bytes, query: Query) -> bytes:
    return upgrade(data, query.protocol) if query.format == "Native" else data
