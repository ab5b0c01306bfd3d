"""A streamed answer as events of the interface, which cannot take back what it has told."""

from collections.abc import AsyncIterator
from typing import Final

from schemas.errors import WeirError
from streams.client.streams import AsyncStream
from streams.client.unfolding import Piece
from streams.gateway.answers import Failure, Written, broken, failed, failure_of

CHANGED: Final = Failure(
    502, "server_error", "answer_changed", "the answer was begun anew, and is another one than what was told of it"
)
RETRACTED: Final = Failure(
    502, "server_error", "answer_retracted", "what was told of the answer is taken back: another text takes its place"
)


class Telling:
    """Tells one answer. An answer that begins anew is told on from where it was, as long as its text is the same."""

    def __init__(self, written: Written, stream: AsyncStream, *, include_usage: bool) -> None:
        self._written = written
        self._stream = stream
        self._include_usage = include_usage
        self._first: Piece | None = None
        self._text = ""
        self._told = ""

    async def begin(self) -> bool:
        """Wait for the first piece, or for the end. Raises what the stream raises."""
        self._first = await anext(self._stream, None)
        return True

    async def events(self) -> AsyncIterator[bytes]:
        """The events, to the end. The request is cancelled if nobody reads them that far."""
        try:
            async for event in self._events():
                yield event
        except WeirError as error:
            yield broken(failure_of(error))
        finally:
            await self._stream.close()

    async def _events(self) -> AsyncIterator[bytes]:
        yield self._written.opening()
        if self._first is not None:
            if more := self._more(self._first):
                yield self._written.piece(more)
            async for piece in self._stream:
                if more := self._more(piece):
                    yield self._written.piece(more)
        for event in self._ending():
            yield event

    def _more(self, piece: Piece) -> str:
        """What of the answer is not told yet; nothing while it catches up with what was told, or differs from it."""
        self._text = piece.text if piece.reset else self._text + piece.text
        if not self._text.startswith(self._told):
            return ""
        more = self._text[len(self._told) :]
        self._told = self._text
        return more

    def _ending(self) -> list[bytes]:
        reply = self._stream.reply
        assert reply is not None  # a stream ends with it, or raises
        if failure := failed(reply):
            return [broken(failure)]
        closing = list(self._written.closing(reply, include_usage=self._include_usage))
        if reply.status == "withheld":
            return [self._written.refusal(reply, instead=not self._told), *closing]
        if self._told != (reply.text or ""):
            taken_back = reply.stream is not None and reply.stream.retracted
            return [broken(RETRACTED if taken_back else CHANGED)]
        return closing
