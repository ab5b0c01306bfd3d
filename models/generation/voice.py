"""An answer told as it comes: no piece of it has to be taken back, unless all of it is made anew."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

Tell: TypeAlias = Callable[[int, str], None]
"""Is told a piece of an answer and the code point at which it stands. At 0 the answer begins, or begins anew."""

Spell: TypeAlias = Callable[[Sequence[int]], str]

_UNFINISHED: Final = "\ufffd"  # what a tokenizer makes of half a character


class Voice:
    """Tells one answer. What may be the beginning of one of ``stops`` is kept until it is known not to be."""

    def __init__(self, tell: Tell, stops: Sequence[str] = ()) -> None:
        self._tell = tell
        self._stops = tuple(stop for stop in stops if stop)
        self._kept = ""
        self._told = 0
        self._start = self._read = 0  # ids whose text is known, and those before that only shape it

    def say(self, text: str) -> None:
        """More text has come, and no stop is in it."""
        text = self._kept + text
        ready = len(text) - _begun(text, self._stops)
        if ready:
            self._tell(self._told, text[:ready])
            self._told += ready
        self._kept = text[ready:]

    def spell(self, ids: Sequence[int], spell: Spell) -> None:
        """More ids have come; their text is read with the few before them, of which it may depend."""
        before, now = spell(ids[self._start : self._read]), spell(ids[self._start :])
        if now.endswith(_UNFINISHED) or not now.startswith(before):
            return
        self._start, self._read = self._read, len(ids)
        self.say(now[len(before) :])


def _begun(text: str, stops: Sequence[str]) -> int:
    """Code points at the end of a text that are how a stop begins."""
    longest = max((len(stop) - 1 for stop in stops), default=0)
    lengths = range(min(longest, len(text)), 0, -1)
    return next((n for n in lengths if any(len(stop) > n and text.endswith(stop[:n]) for stop in stops)), 0)
