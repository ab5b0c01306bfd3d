"""An answer that is read while it is made, and the reply at its end."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, closing
from typing import Self

from schemas.reply import Reply
from schemas.stream import Chunk
from streams.client.unfolding import Piece, Unfolding


class Stream:
    """The pieces of an answer, in order. After the last one ``reply`` is the final reply, which has the last word.

    Iterating raises what ``Client.ask`` raises. ``close`` it, or leave its ``with`` block, to cancel the request.
    """

    def __init__(self, found: Generator[Chunk | Reply]) -> None:
        self.reply: Reply | None = None
        self._found = found
        self._pieces = self._unfold()

    def __iter__(self) -> Iterator[Piece]:
        return self._pieces

    def __next__(self) -> Piece:
        return next(self._pieces)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Read no more. An answer that is still on its way is cancelled."""
        self._pieces.close()
        self._found.close()

    def _unfold(self) -> Generator[Piece]:
        unfolding = Unfolding()
        with closing(self._found) as found:
            for each in found:
                if isinstance(each, Reply) and each.final:
                    self.reply = each
                piece = unfolding.take(each)
                if piece is not None:
                    yield piece


class AsyncStream:
    """As ``Stream``, in an event loop."""

    def __init__(self, found: AsyncGenerator[Chunk | Reply]) -> None:
        self.reply: Reply | None = None
        self._found = found
        self._pieces = self._unfold()

    def __aiter__(self) -> AsyncIterator[Piece]:
        return self._pieces

    async def __anext__(self) -> Piece:
        return await anext(self._pieces)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """As ``Stream.close``."""
        await self._pieces.aclose()
        await self._found.aclose()

    async def _unfold(self) -> AsyncGenerator[Piece]:
        unfolding = Unfolding()
        async with aclosing(self._found) as found:
            async for each in found:
                if isinstance(each, Reply) and each.final:
                    self.reply = each
                piece = unfolding.take(each)
                if piece is not None:
                    yield piece
