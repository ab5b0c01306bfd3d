"""The client of an application that has threads."""

import time
from collections.abc import Callable, Generator
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self, Unpack
from uuid import uuid4

from schemas.conversation import Request
from schemas.errors import WeirError
from schemas.reply import Reply
from schemas.stream import Chunk
from schemas.topics import Namespace
from streams.client.errors import ReplyTimeoutError
from streams.client.exchange import Address, Exchange, Found
from streams.client.opinions import Said, feedback_of
from streams.client.streams import Stream
from streams.client.wishes import Prompt, Wishes, request_of


class Client:
    """Asks for answers, from any number of threads. A context manager; ``start`` and ``close`` do the same.

    ``app`` decides on the policy. ``source`` names the asking system, within which ids are unique; by default it is
    the app. Further arguments are librdkafka's settings, such as ``security_protocol="SASL_SSL"``.
    """

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

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Connect. Blocks for 10 s at most.

        Raises:
            UnavailableError: no broker answers.
            ConfigError: a Kafka setting will not do, or there is no such namespace.
        """
        self._exchange.start()

    def close(self) -> None:
        """Let go of the connection; asks that still wait end with an ``UnavailableError``. May be called twice."""
        self._exchange.close()

    def ask(
        self,
        prompt: Prompt,
        *,
        request_id: str | None = None,
        timeout: float | None = 30.0,
        on_held: Callable[[Reply], None] | None = None,
        **wishes: Unpack[Wishes],
    ) -> Reply:
        """The final reply, whatever its status: ``withheld`` and ``error`` are answers too, with a ``code``.

        A request that waits for a person first has a ``held`` reply, which goes to ``on_held``; the final one may
        take longer than ``timeout`` then. Without ``timeout`` it waits for as long as it takes. ``request_id`` is a
        new one unless given, and never one that was used before.

        Raises:
            TimeoutError: no final reply in ``timeout`` seconds; ``request_id`` names the request.
            UnreadableError: the request breaks a rule or is too large; names the field.
            UnavailableError: it was not delivered, or the client was closed meanwhile.
        """
        name = request_id or str(uuid4())
        request = request_of(self._app, prompt, wishes, timeout)
        for found in self._found(name, request, timeout):
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
    ) -> Stream:
        """The answer piece by piece, as far as it may be read already; asked for when it is first read.

        ``reply`` of the stream is the final reply once it has ended, and has the last word: what it takes back, a
        piece with ``reset`` has made void before. Arguments and errors are those of ``ask``.
        """
        name = request_id or str(uuid4())
        return Stream(self._found(name, request_of(self._app, prompt, wishes, timeout, stream=True), timeout))

    def cancel(self, request_id: str) -> None:
        """Say that an answer is not wanted any more: whoever waits for it reads ``CANCELLED``, unless it is too late.

        Raises:
            UnavailableError: the client is not open.
        """
        self._exchange.cancel(request_id)

    def _found(self, name: str, request: Request, timeout: float | None) -> Generator[Chunk | Reply]:
        """Whatever comes of a request, up to its final reply. Closed before that, the request is cancelled."""
        inbox: SimpleQueue[Found] = SimpleQueue()
        end = None if timeout is None else time.monotonic() + timeout
        held = final = False
        if request.parameters is not None and request.parameters.stream:
            self._exchange.follow_chunks()
        self._exchange.ask(name, request, inbox.put)
        try:
            while not final:
                found = _next(inbox, end)
                if found is None:
                    raise ReplyTimeoutError(name, timeout or 0.0, held=held)
                if isinstance(found, WeirError):
                    raise found
                final = isinstance(found, Reply) and found.final
                held = held or (isinstance(found, Reply) and not final)
                yield found
        except GeneratorExit:
            if not final:
                with suppress(WeirError):
                    self._exchange.cancel(name)
            raise
        finally:
            self._exchange.forget(name)

    def feedback(
        self,
        about: Reply | str | None = None,
        *,
        interaction_id: str | None = None,
        feedback_id: str | None = None,
        **said: Unpack[Said],
    ) -> str:
        """Pass on what somebody says of a reply (or of a request, by its id), or of an interaction; the feedback's id.

        Returns once the broker has it. Sent again under the same ``feedback_id`` it is counted once; it is a new one
        unless given.

        Raises:
            UnreadableError: it says nothing, or a part will not do; names the field.
            UnavailableError: it was not delivered.
        """
        name = feedback_id or str(uuid4())
        delivered: SimpleQueue[WeirError | None] = SimpleQueue()
        self._exchange.feed_back(name, feedback_of(self._app, about, interaction_id, said), delivered.put)
        if (failure := delivered.get()) is not None:
            raise failure
        return name


def _next(inbox: "SimpleQueue[Found]", end: float | None) -> Found | None:
    """What comes next; None if nothing comes until ``end`` of the monotonic clock."""
    try:
        return inbox.get(timeout=None if end is None else max(0.0, end - time.monotonic()))
    except Empty:
        return None
