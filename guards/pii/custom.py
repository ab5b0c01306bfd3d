"""The kinds of personal data that a policy brings along, found in linear time."""

from collections.abc import Iterator, Sequence

from guards.guard import Hit
from guards.pii.checksums import CHECKSUMS
from guards.pii.view import TextView
from schemas.recognizer import Recognizer, compile_pattern


class CustomKind:
    """One recogniser of a policy, compiled."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._is = recognizer
        self._context = tuple(word.lower() for word in recognizer.context)
        self._check = CHECKSUMS[recognizer.checksum] if recognizer.checksum else None
        self._patterns = [compile_pattern(pattern) for pattern in recognizer.patterns]

    def hits(self, view: TextView, before: int, after: int) -> Iterator[Hit]:
        """What the patterns match; context counts ``before`` and ``after`` so many code points."""
        for pattern in self._patterns:
            for match in pattern.finditer(view.text):
                start, end = match.span()
                if start == end or (self._check and not self._check(view.text[start:end])):
                    continue
                near = view.has_word(self._context, start - before, start)
                near = near or view.has_word(self._context, end, end + after)
                score = max(self._is.score, self._is.with_context) if near else self._is.score
                yield Hit(self._is.name, score, start, end)


def custom_kinds(recognizers: Sequence[Recognizer]) -> tuple[CustomKind, ...]:
    """The recognisers, compiled once."""
    return tuple(map(CustomKind, recognizers))
