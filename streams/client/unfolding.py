"""A streamed answer as it is read: chunks and replies to pieces of text. Pure."""

from dataclasses import dataclass, field
from uuid import UUID

from schemas.reply import Reply
from schemas.stream import Chunk


@dataclass(frozen=True, slots=True)
class Piece:
    """The next piece of an answer. With ``reset`` all that was read before is void: the answer begins anew with it."""

    text: str = field(repr=False)
    reset: bool = False


class Unfolding:
    """Reads one answer. The pieces, from the last reset on, joined are the final reply's text; none is left without."""

    def __init__(self) -> None:
        self.text = ""
        self._attempt: UUID | None = None
        self._next = 0
        self._over = False

    def take(self, found: Chunk | Reply) -> Piece | None:
        """What is new; None if nothing is: chunks may come twice, and after their reply."""
        if self._over:
            return None
        if isinstance(found, Chunk):
            return self._chunk(found)
        self._over = found.final
        return self._reply(found) if found.final else None

    def _chunk(self, chunk: Chunk) -> Piece | None:
        if chunk.reset and chunk.attempt != self._attempt:
            self._attempt, self._next = chunk.attempt, 1
            return self._anew(chunk.text)
        if chunk.attempt != self._attempt or chunk.seq != self._next:
            return None
        self._next += 1
        return self._more(chunk.text)

    def _reply(self, reply: Reply) -> Piece | None:
        stream, text = reply.stream, reply.text or ""
        stands = stream is not None and not stream.retracted and stream.attempt == self._attempt
        if stands and text.startswith(self.text):
            return self._more(text[len(self.text) :])
        return None if text == self.text and stands else self._anew(text)

    def _more(self, text: str) -> Piece | None:
        self.text += text
        return Piece(text) if text else None

    def _anew(self, text: str) -> Piece | None:
        void, self.text = bool(self.text), text
        return Piece(text, reset=void) if text or void else None
