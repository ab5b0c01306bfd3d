"""The client of an application that has an event loop."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from types import TracebackType
from typing import Any, Self, Unpack
from uuid import uuid4

from schemas.conversation import Request
from schemas.errors import WeirError
from schemas.reply import Reply
from schemas.stream import Chunk
from schemas.topics import Namespace
from streams.client.errors import ReplyTimeoutError
from streams.client.exchange import Address, Exchange, Found, Listener
from streams.client.opinions import Said, feedback_of
from streams.client.streams import AsyncStream
from streams.client.wishes import Prompt, Wishes, request_of


class AsyncClient:
    """As ``Client``, for any number of tasks of one event loop. A task that is cancelled cancels its request."""

    def __init__(
        self,
        bootstrap: str = "localhost:9092",
        app: str = "default",
        namespace: str = "weir",
        *,
        source: str | None = None,
        **kafka: Any,  # noqa: ANN401 - values of every type
    ) -> None:
        self._app = app
        self._exchange = Exchange(Address(bootstrap, Namespace(namespace), source or app, kafka))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """As ``Client.start``."""
        await asyncio.to_thread(self._exchange.start)

    async def close(self) -> None:
        """As ``Client.close``."""
        await asyncio.to_thread(self._exchange.close)

    async def ask(
        self,
        prompt: Prompt,
        *,
        request_id: str | None = None,
        timeout: float | None = 30.0,  # noqa: ASYNC109 - the request's deadline comes from it
        on_held: Callable[[Reply], None] | None = None,
        **wishes: Unpack[Wishes],
    ) -> Reply:
        """As ``Client.ask``; ``on_held`` is called in the event loop."""
        name = request_id or str(uuid4())
        request = request_of(self._app, prompt, wishes, timeout)
        async with aclosing(self._found(name, request, timeout)) as all_found:
            async for found in all_found:
                if isinstance(found, Reply) and found.final:
                    return found
                if isinstance(found, Reply) and on_held is not None:
                    on_held(found)
        raise AssertionError("a final reply ends it")

    def stream(
        self,
        prompt: Prompt,
        *,
        request_id: str | None = None,
        timeout: float | None = 30.0,
        **wishes: Unpack[Wishes],
    ) -> AsyncStream:
        """As ``Client.stream``."""
        name = request_id or str(uuid4())
        return AsyncStream(self._found(name, request_of(self._app, prompt, wishes, timeout, stream=True), timeout))

    async def cancel(self, request_id: str) -> None:
        """As ``Client.cancel``."""
        self._exchange.cancel(request_id)

    async def _found(
        self,
        name: str,
        request: Request,
        timeout: float | None,  # noqa: ASYNC109 - as above
    ) -> AsyncGenerator[Chunk | Reply]:
        """As ``Client._found``; one that is cancelled cancels the request, too."""
        inbox: asyncio.Queue[Found] = asyncio.Queue()
        end = None if timeout is None else asyncio.get_running_loop().time() + timeout
        held = final = False
        if request.parameters is not None and request.parameters.stream:
            await asyncio.to_thread(self._exchange.follow_chunks)
        self._exchange.ask(name, request, _into(inbox))
        try:
            while not final:
                found = await _next(inbox, end)
                if found is None:
                    raise ReplyTimeoutError(name, timeout or 0.0, held=held)
                if isinstance(found, WeirError):
                    raise found
                final = isinstance(found, Reply) and found.final
                held = held or (isinstance(found, Reply) and not final)
                yield found
        except (asyncio.CancelledError, GeneratorExit):
            if not final:
                with suppress(WeirError):
                    self._exchange.cancel(name)
            raise
        finally:
            self._exchange.forget(name)

    async def feedback(
        self,
        about: Reply | str | None = None,
        *,
        interaction_id: str | None = None,
        feedback_id: str | None = None,
        **said: Unpack[Said],
    ) -> str:
        """As ``Client.feedback``."""
        name = feedback_id or str(uuid4())
        loop = asyncio.get_running_loop()
        delivered: asyncio.Future[WeirError | None] = loop.create_future()

        def tell(failure: WeirError | None) -> None:
            with suppress(RuntimeError):  # the loop has ended, and with it who waited
                loop.call_soon_threadsafe(_settle, delivered, failure)

        self._exchange.feed_back(name, feedback_of(self._app, about, interaction_id, said), tell)
        if (failure := await delivered) is not None:
            raise failure
        return name


def _settle(delivered: "asyncio.Future[WeirError | None]", failure: WeirError | None) -> None:
    if not delivered.done():  # who waited may have been cancelled
        delivered.set_result(failure)


def _into(inbox: "asyncio.Queue[Found]") -> Listener:
    loop = asyncio.get_running_loop()

    def tell(found: Found) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it who waited
            loop.call_soon_threadsafe(inbox.put_nowait, found)

    return tell


async def _next(inbox: "asyncio.Queue[Found]", end: float | None) -> Found | None:
    """What comes next; None if nothing comes until ``end`` of the loop's clock."""
    try:
        async with asyncio.timeout_at(end):
            return await inbox.get()
    except TimeoutError:
        return None
