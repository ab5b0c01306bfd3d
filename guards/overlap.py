"""Where a text repeats another, word for word or nearly so, in time linear in both."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

# Scripts that do not part words by spaces are read sign by sign.
_SIGNS: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f"
_WORD: Final = re.compile(rf"[{_SIGNS}]|[^\W{_SIGNS}]+")
_GRAM: Final = 3
_NEAR: Final = 6  # words that may be changed, left out or put in without ending a passage
_FREQUENT: Final = 4  # a gram that the original has more often says nothing of the place

Gram: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """A word in lower case and its code points."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Repeated:
    """The longest passage that a text repeats of an original.

    ``words`` are those that match in it, ``start`` and ``end`` its code points in the text. ``share`` is the part of
    the original's words that any passage repeats, 0 to 1.
    """

    words: int = 0
    share: float = 0.0
    start: int = 0
    end: int = 0


def words_of(text: str) -> list[Word]:
    """The words of a text."""
    return [Word(found[0].casefold(), found.start(), found.end()) for found in _WORD.finditer(text)]


def repeated(text: Sequence[Word], original: Sequence[Word], known: Iterable[Sequence[Word]] = ()) -> Repeated:
    """What the text repeats of the original, leaving out what also stands in the texts that are ``known`` already."""
    places = _places(original)
    for other in known:
        for gram in _grams(other):
            places.pop(gram, None)
    if not places:
        return Repeated()
    covered: set[int] = set()
    best = chain = _Chain()
    for here, gram in enumerate(_grams(text)):
        found = places.get(gram)
        if found is None:
            continue
        grown = next((longer for there in found if (longer := chain.grown(here, there))), None)
        if grown is None and chain.words > _GRAM and here - chain.last <= _NEAR:
            continue  # a chance match amid a passage
        chain = grown or _Chain(_GRAM, here, here, found[0])
        covered.update(range(chain.there, chain.there + _GRAM))
        best = max(best, chain, key=lambda one: one.words)
    if not best.words:
        return Repeated()
    return Repeated(
        words=best.words,
        share=len(covered) / len(original),
        start=text[best.first].start,
        end=text[best.last + _GRAM - 1].end,
    )


@dataclass(frozen=True, slots=True)
class _Chain:
    """Grams of the text, near each other, that follow each other in the original too."""

    words: int = 0
    first: int = 0
    last: int = 0
    there: int = 0

    def grown(self, here: int, there: int) -> "_Chain | None":
        """The chain with one more gram; None where that does not follow."""
        step, stride = here - self.last, there - self.there
        if not self.words or not 0 < step <= _NEAR + _GRAM or not 0 < stride <= _NEAR + _GRAM:
            return None
        return _Chain(self.words + min(step, stride, _GRAM), self.first, here, there)


def _places(original: Sequence[Word]) -> dict[Gram, list[int]]:
    places: defaultdict[Gram, list[int]] = defaultdict(list)
    for place, gram in enumerate(_grams(original)):
        if len(places[gram]) < _FREQUENT:
            places[gram].append(place)
    return dict(places)


def _grams(words: Sequence[Word]) -> Iterable[Gram]:
    texts = [word.text for word in words]
    return zip(*(texts[shift:] for shift in range(_GRAM)), strict=False)
