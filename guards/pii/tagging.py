"""What a model says of the words of a text, made into hits."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, Protocol

from guards.guard import Hit

_PLACES: Final = frozenset({"STREET_ADDRESS", "LOCATION"})
_GAPS: Final = {"PERSON": re.compile(r" {1,2}(?:[A-Z]\.? {1,2})?"), "DATE_TIME": re.compile(r"[\s,]{1,2}|T|\.")}
_ADDRESS_GAP: Final = re.compile(r"[\s,;|>]{0,8}")
_EDGES: Final = " \t\r\n,;:.!?()[]{}<>\"'|"
# Begun at a blank's first only, and possessive: 100,000 blanks in a name must not cost their square.
_SPLIT: Final = {
    "PERSON": re.compile(r"(?<!\s)(?:\s++(?:and|or|und|et|y|e|og|och|&)\s++|\s*+[,;/]\s*+|[^\S\n]*+\n\s*+)"),
    "STREET_ADDRESS": re.compile(r"(?<!\s),?+\s++(?:and|or)\s++(?=\d)"),
}
_WORD: Final = re.compile(r"\S+")
# What a name may begin or go on with in lower case.
_PARTICLES: Final = frozenset(
    {"van", "von", "de", "del", "della", "di", "da", "dos", "du", "der", "den", "la", "le", "el", "al", "bin", "ibn"}
    | {"ben", "ter", "ten", "zu", "af", "av", "st", "mc", "o"}
)
_DIGITS: Final = {"PHONE_NUMBER": 7, "ID_NUMBER": 5}  # the fewest of a number worth hiding
_POSTCODE: Final = 5  # the fewest digits of a number that is an address by itself
_PLACEHOLDER: Final = re.compile(r"<[A-Z][A-Z0-9_#a-f]{1,80}>")  # what was redacted before is no name
_SURE: Final = 0.9  # from which a name in lower case is believed in a text that has capitals


class Tag(Protocol):
    """A span, in code points of the text, with a label and a score of 0 to 1."""

    @property
    def label(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class Tagger(Protocol):
    """Texts to tags, in order and disjoint. Deterministic, thread-safe, and independent of the batch."""

    @property
    def version(self) -> str: ...

    def tag(self, texts: Sequence[str]) -> Sequence[Sequence[Tag]]:
        """The tags of each text. Any string is legal: empty, huge, NULs, lone surrogates."""
        ...


def hits_of(text: str, tags: Sequence[Tag]) -> Iterator[Hit]:
    """The tags as hits: whole names and addresses, without the words around that are no part of them."""
    taken = [(found.start(), found.end()) for found in _PLACEHOLDER.finditer(text)]
    tags = [tag for tag in tags if not _overlaps(taken, tag)]
    cased = text != text.lower() and text != text.upper()
    for hit in _joined(text, tags):
        for part in _parts(text, hit):
            trimmed = _trimmed(text, part)
            if cased and hit.label in ("PERSON", "STREET_ADDRESS"):
                trimmed = _capitalised(text, trimmed)
            if trimmed.start < trimmed.end and trimmed.score > 0 and _is_whole(text, trimmed):
                yield trimmed


def _overlaps(stretches: Sequence[tuple[int, int]], tag: Tag) -> bool:
    place = bisect_left(stretches, (tag.end, 0))
    return place > 0 and stretches[place - 1][1] > tag.start


def _is_whole(text: str, hit: Hit) -> bool:
    """Whether there is enough of it: the model also marks pieces of numbers."""
    found = text[hit.start : hit.end]
    fewest = _DIGITS.get(hit.label, 0)
    if hit.label == "STREET_ADDRESS" and not any(map(str.isalpha, found)):
        fewest = _POSTCODE  # "2100" may be one, but is anything else more often
    return sum(map(str.isdigit, found)) >= fewest


def _joined(text: str, tags: Sequence[Tag]) -> Iterator[Hit]:
    """Street, city and postcode are one address, first and last name one person."""
    current: Hit | None = None
    for tag in tags:
        hit = Hit(tag.label, tag.score, tag.start, tag.end)
        if current is None:
            current = hit
        elif _continues(text, current, hit):
            label = current.label if current.label == hit.label else "STREET_ADDRESS"
            current = Hit(label, max(current.score, hit.score), current.start, hit.end)
        else:
            yield current
            current = hit
    if current is not None:
        yield current


def _continues(text: str, before: Hit, after: Hit) -> bool:
    gap = text[before.end : after.start]
    if {before.label, after.label} <= _PLACES:
        return "STREET_ADDRESS" in (before.label, after.label) and _ADDRESS_GAP.fullmatch(gap) is not None
    return before.label == after.label in _GAPS and _GAPS[before.label].fullmatch(gap) is not None


def _parts(text: str, hit: Hit) -> Iterator[Hit]:
    """Two names joined by "and" are two hits."""
    start = hit.start
    for seam in _SPLIT[hit.label].finditer(text, hit.start, hit.end) if hit.label in _SPLIT else ():
        yield replace(hit, start=start, end=seam.start())
        start = seam.end()
    yield replace(hit, start=start)


def _trimmed(text: str, hit: Hit) -> Hit:
    """Without punctuation at its edges, but with the full stop of a title ("Dr.")."""
    start, end = hit.start, hit.end
    while start < end and text[start] in _EDGES:
        start += 1
    while end > start and text[end - 1] in _EDGES:
        end -= 1
    if text[start - 1 : start] == "(" and ")" in text[start:end]:
        start -= 1
    if hit.label == "TITLE" and end - start <= 4 and text[end : end + 1] == ".":
        end += 1
    if text[max(end - 2, start) : end] in ("'s", "\u2019s"):
        end -= 2
    return replace(hit, start=start, end=end)


def _capitalised(text: str, hit: Hit) -> Hit:
    """The hit from its first to its last word with a capital, a digit or no case: "early Monet" is "Monet".

    A name without any such word is believed only where the model is sure.
    """
    words = [word for word in _WORD.finditer(text, hit.start, hit.end) if not word[0][0].islower()]
    if not words:
        return hit if hit.score >= _SURE or hit.label != "PERSON" else replace(hit, score=0.0)
    first, last = words[0].start(), words[-1].end()
    lead = _WORD.findall(text, hit.start, first)
    if all(word.lower() in _PARTICLES for word in lead) or (hit.label != "PERSON" and hit.start == first):
        first = hit.start
    return replace(hit, start=first, end=last if hit.label == "PERSON" else hit.end)
