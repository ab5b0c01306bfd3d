"""ClickHouse's HTTP interface, in front of the embedded engine.

Serves what ``clickhouse-connect``, ``curl`` and Grafana's datasource use: ``/`` and ``/ping``, statements in the URL or
the body, parameters, settings, inserts with data in any format, content codings, Native for old and new clients, and
errors in ClickHouse's words. Nothing of a statement or its data is logged.
"""

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from streams.local.content_coding import choose_encoder
from streams.local.embedded import Answer, EmbeddedEngine, EngineError
from streams.local.query_request import QueryRequest, read_request
from streams.local.statement import ACCESS_DENIED, RefusedError

T = TypeVar("T")
# Queries at once; further ones wait. Each may use several threads of the engine.
CONCURRENT_QUERIES: Final = 8
_BAD_REQUEST = (6, 26, 27, 32, 33, 36, 38, 41, 43, 46, 47, 53, 57, 62, 70, 72, 115, 117, 130, 131, 349, 386, 456, 457)
_NOT_FOUND = (60, 81)  # table, database
_STATUS: Final = {
    **dict.fromkeys(_BAD_REQUEST, 400),
    **dict.fromkeys(_NOT_FOUND, 404),
    ACCESS_DENIED: 403,
    159: 408,  # TIMEOUT_EXCEEDED
    48: 501,  # NOT_IMPLEMENTED
}
_CONTENT_TYPES: Final = {
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
}
_BINARY: Final = "application/octet-stream"
_TEXT: Final = "text/plain; charset=UTF-8"


class Front:
    """The interface as an ASGI application, ``app``. ``close`` waits for no query that is running."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(CONCURRENT_QUERIES, thread_name_prefix="query")
        self._slots = asyncio.Semaphore(CONCURRENT_QUERIES)
        self.app = Starlette(
            routes=[
                Route("/ping", self._ping, methods=["GET", "HEAD"]),
                Route("/", self._query, methods=["GET", "POST"]),
            ]
        )

    def close(self) -> None:
        """Take no more queries."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ping(self, _request: Request) -> Response:
        return PlainTextResponse("Ok.\n")

    async def _query(self, request: Request) -> Response:
        if request.method == "GET" and not request.query_params.get("query"):
            return PlainTextResponse("Ok.\n")
        if "origin" in request.headers:  # a page in a browser must not reach a port without a password
            return _error(ACCESS_DENIED, "requests of web pages are not served")
        with contextlib.suppress(ClientDisconnect):
            try:
                asked = read_request(
                    request.method, request.query_params.items(), request.headers, await request.body()
                )
            except RefusedError as refusal:
                return _error(refusal.code, refusal.reason)
            return await self._answer(request, asked)
        return Response(status_code=400)

    async def _answer(self, request: Request, asked: QueryRequest) -> Response:
        await self._slots.acquire()
        begun = time.monotonic_ns()
        answer: Answer | None = None
        try:
            answer = await self._off_loop(lambda: self._engine.run(asked.query))
            first = await self._off_loop(answer.fetch)
        except EngineError as error:
            await self._finish(answer)
            return _error(error.code, str(error), asked)
        except BaseException:
            await self._finish(answer)
            raise
        headers = _headers(asked) | {"X-ClickHouse-Summary": _summary(answer, time.monotonic_ns() - begun)}
        encoder = choose_encoder(request.headers.get("accept-encoding", "")) if asked.compressed else None
        if first is None:
            await self._finish(answer)
            return Response(headers=headers)
        tag = secrets.token_hex(8)
        headers["X-ClickHouse-Exception-Tag"] = tag
        pieces = self._pieces(answer, first, tag)
        if encoder is None:
            return StreamingResponse(pieces, headers=headers)
        headers["Content-Encoding"] = encoder[0]
        return StreamingResponse(_encoded(pieces, encoder[1].compress, encoder[1].flush), headers=headers)

    async def _pieces(self, answer: Answer, first: bytes, tag: str) -> AsyncIterator[bytes]:
        piece: bytes | None = first
        try:
            while piece is not None:
                yield piece
                piece = await self._off_loop(answer.fetch)
        except EngineError as error:
            yield _late_error(str(error), tag)
        finally:
            await asyncio.shield(self._finish(answer))

    async def _finish(self, answer: Answer | None) -> None:
        try:
            if answer is not None:
                await self._off_loop(answer.close)
        finally:
            self._slots.release()

    async def _off_loop(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


async def _encoded(
    pieces: AsyncIterator[bytes], compress: Callable[[bytes], bytes], flush: Callable[[], bytes]
) -> AsyncIterator[bytes]:
    async with contextlib.aclosing(pieces) as source:  # type: ignore[type-var]  # it is a generator
        async for piece in source:
            yield compress(piece)
    yield flush()


def _headers(asked: QueryRequest) -> dict[str, str]:
    kind = asked.query.format
    return {
        "Content-Type": _CONTENT_TYPES.get(kind, _BINARY if kind in ("Native", "RowBinary", "Parquet") else _TEXT),
        "X-ClickHouse-Query-Id": asked.query_id,
        "X-ClickHouse-Format": kind,
        "X-ClickHouse-Timezone": "UTC",
        "X-ClickHouse-Server-Display-Name": "weir",
    }


def _summary(answer: Answer, elapsed_ns: int) -> str:
    counts = {"written_rows": answer.written_rows, "written_bytes": answer.written_bytes, "elapsed_ns": elapsed_ns}
    return json.dumps({name: str(value) for name, value in counts.items()})


def _error(code: int, text: str, asked: QueryRequest | None = None) -> Response:
    message = text if text.startswith("Code: ") else f"Code: {code}. DB::Exception: {text}."
    headers = {"X-ClickHouse-Exception-Code": str(code), "X-ClickHouse-Query-Id": asked.query_id if asked else ""}
    return PlainTextResponse(message + "\n", status_code=_STATUS.get(code, 500), headers=headers)


def _late_error(text: str, tag: str) -> bytes:
    # The answer has begun as a success: ClickHouse marks the place, with a tag that data cannot guess.
    message = text.encode()
    return b"\r\n__exception__\r\n%b\r\n%b\n%d %b\r\n__exception__\r\n" % (
        tag.encode(),
        message,
        len(message) + 1,
        tag.encode(),
    )
