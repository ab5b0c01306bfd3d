"""The interface as an ASGI application: ``/v1/chat/completions``, ``/v1/models`` and, Weir's own, ``/v1/feedback``."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar
from uuid import uuid4

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from schemas.codec import dump_json, parse_json, validate
from schemas.errors import Code, UnreadableError, WeirError
from schemas.serving import ANY_MODEL
from schemas.topics import REQUESTS
from streams.client.async_client import AsyncClient
from streams.gateway.answers import UNAUTHORIZED, Failure, Written, completion, failed, failure_of, model, model_list
from streams.gateway.chat import ChatRequest
from streams.gateway.feedback import FeedbackRequest, receipt
from streams.gateway.keys import Keys
from streams.gateway.telling import Telling
from streams.metrics import Metrics

_SSE: Final = "text/event-stream"
_GONE: Final = 499  # what nginx calls a client that did not wait
Answer = TypeVar("Answer")
Endpoint: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms the interface is open: whose keys, which model, and how many seconds an answer may take."""

    keys: Keys
    model: str
    timeout: float


class Gateway:
    """One installation behind HTTP, as ``app``.

    ``connect`` makes the client of an app; a client is made when the app first asks, and closed with the application.
    A request whose connection ends before its answer is cancelled.
    """

    def __init__(self, terms: Terms, connect: Callable[[str], AsyncClient], metrics: Metrics) -> None:
        self._terms = terms
        self._connect = connect
        self._metrics = metrics
        self._clients: dict[str, AsyncClient] = {}
        self._connecting = asyncio.Lock()
        self._created = int(time.time())
        self.app = Starlette(
            routes=[
                self._route("/v1/chat/completions", self._chat, "POST"),
                self._route("/v1/feedback", self._feedback, "POST"),
                self._route("/v1/models", self._models, "GET"),
                self._route("/v1/models/{name:path}", self._model, "GET"),
            ],
            exception_handlers={HTTPException: _no_route},
            lifespan=self._open,
        )

    @asynccontextmanager
    async def _open(self, _app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for client in self._clients.values():
                await client.close()

    def _route(self, path: str, endpoint: Endpoint, method: str) -> Route:
        """An endpoint for those who have a key, with every failure told in OpenAI's words, and counted."""

        async def answer(request: Request) -> Response:
            started = time.perf_counter()
            response = await self._answer(endpoint, request)
            self._metrics.gateway_seconds.labels(path).observe(time.perf_counter() - started)
            self._metrics.gateway_answers.labels(path, str(response.status_code)).inc()
            return response

        return Route(path, answer, methods=[method])

    async def _answer(self, endpoint: Endpoint, request: Request) -> Response:
        app = self._terms.keys.app_of(request.headers.get("authorization"))
        if app is None:
            return _refuse(UNAUTHORIZED)
        request.state.app = app
        try:
            return await endpoint(request)
        except WeirError as error:
            return _refuse(failure_of(error))
        except ClientDisconnect:
            return Response(status_code=_GONE)

    async def _models(self, _request: Request) -> Response:
        return _json(model_list((self._terms.model, ANY_MODEL), self._created))

    async def _model(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in {self._terms.model, ANY_MODEL}:
            raise WeirError("there is no such model", code=Code.UNKNOWN_MODEL, field="model")
        return _json(model(name, self._created))

    async def _chat(self, request: Request) -> Response:
        asked = validate(parse_json(await _body(request)), ChatRequest)
        client = await self._client(request.state.app)
        if asked.stream:
            return await self._stream(request, asked, client)
        asking = asyncio.ensure_future(client.ask(asked.messages, timeout=self._terms.timeout, **asked.wishes))
        reply = await _unless_gone(request, asking)
        if reply is None:
            return Response(status_code=_GONE)
        if failure := failed(reply):
            return _refuse(failure)
        return _json(completion(reply, int(time.time())))

    async def _stream(self, request: Request, asked: ChatRequest, client: AsyncClient) -> Response:
        """The answer as events, once there is anything to tell: what fails before that has its own HTTP status."""
        name = str(uuid4())
        stream = client.stream(asked.messages, request_id=name, timeout=self._terms.timeout, **asked.wishes)
        wanted = asked.stream_options is not None and asked.stream_options.include_usage
        written = Written(name, asked.model if asked.model != ANY_MODEL else self._terms.model, int(time.time()))
        telling = Telling(written, stream, include_usage=wanted)
        begun = await _unless_gone(request, asyncio.ensure_future(telling.begin()))
        if begun is None:
            return Response(status_code=_GONE)
        if stream.reply is not None and (failure := failed(stream.reply)):
            return _refuse(failure)
        return StreamingResponse(telling.events(), media_type=_SSE)

    async def _feedback(self, request: Request) -> Response:
        said = validate(parse_json(await _body(request)), FeedbackRequest)
        client = await self._client(request.state.app)
        name = await client.feedback(said.about, interaction_id=said.interaction_id, **said.said)
        return _json(receipt(name), 202)

    async def _client(self, app: str) -> AsyncClient:
        async with self._connecting:
            if app not in self._clients:
                client = self._connect(app)
                await client.start()
                self._clients[app] = client
            return self._clients[app]


async def _unless_gone(request: Request, asking: "asyncio.Future[Answer]") -> Answer | None:
    """What is asked for; None, and the request cancelled, once whoever asks has hung up."""
    hanging_up = asyncio.ensure_future(_hang_up(request))
    ends: set[asyncio.Future[Any]] = {asking, hanging_up}
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hanging_up.cancel()
        if not asking.done():
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking
    return None if asking.cancelled() else asking.result()


async def _hang_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _body(request: Request) -> bytes:
    """What was sent, as far as a topic takes it."""
    limit = REQUESTS.max_message_bytes
    held = bytearray()
    async for piece in request.stream():
        held += piece
        if len(held) > limit:
            raise UnreadableError(f"larger than {limit:,} bytes", code=Code.TOO_LARGE, field="body")
    if not held:
        raise UnreadableError("there is no body", code=Code.EMPTY_MESSAGE, field="body")
    return bytes(held)


def _refuse(failure: Failure) -> Response:
    return _json(failure.body, failure.status)


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = f"there is nothing at this path for {request.method}"
    return _refuse(Failure(status, "invalid_request_error", "unknown_url", message))


def _json(body: object, status: int = 200) -> Response:
    # Not Starlette's own: a model's text may hold what UTF-8 cannot.
    return Response(dump_json(body), status, media_type="application/json")
