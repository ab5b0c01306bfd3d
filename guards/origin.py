"""Where a value in a response comes from: the user gave it, or it appears from nowhere.

A value is *echoed* when a message of the user or of a tool, or a context passage, holds it in another guise: numbers
are compared by their letters and digits alone, e-mail addresses without case, names and addresses word by word in any
order. Everything else *leaks*: it may be from training data, from another conversation, or from the system's words.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from guards.guard import Hit, Passage, Side
from schemas.verdict import Origin

_GIVERS: Final = frozenset({"user", "tool"})
_WORDED: Final = frozenset({"PERSON", "STREET_ADDRESS", "LOCATION", "ORGANIZATION", "TITLE", "NRP"})
_WORD: Final = re.compile(r"\w+")
_EXTENSION: Final = re.compile("[a-z]")
_PHONE_DIGITS: Final = 9  # what is left of a number written without its country's code or its trunk 0
_SHORTEST_RUN: Final = 6  # shorter numbers stand in others by chance: they are compared as words
_LONG_FORMS: Final = {
    "st": "street", "rd": "road", "ave": "avenue", "av": "avenue", "blvd": "boulevard", "dr": "drive", "ln": "lane",
    "apt": "apartment", "sq": "square", "ct": "court", "pl": "place", "str": "strasse",
}  # fmt: skip


def with_origins(passage: Passage, hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """The hits of a response with their origin; those of anything else, or of a response to nothing, as they are."""
    found = tuple(hits)
    if not found or passage.side is not Side.RESPONSE or not (passage.conversation or passage.context):
        return found
    given = _Given(tuple(_given_texts(passage)))
    return tuple(replace(hit, origin=given.origin(hit.label, passage.text[hit.start : hit.end])) for hit in found)


def _given_texts(passage: Passage) -> Iterator[str]:
    yield from (message.content for message in passage.conversation if message.role in _GIVERS)
    yield from passage.context


@dataclass(frozen=True)
class _Given:
    """What was given, made comparable when it is first compared. Linear in its length."""

    texts: tuple[str, ...] = field(repr=False)

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(word for text in self.texts for word in _words(text))

    @cached_property
    def _runs(self) -> str:
        return "\n".join(_run(text) for text in self.texts)

    @cached_property
    def _folded(self) -> str:
        return "\n".join(text.casefold() for text in self.texts)

    def origin(self, label: str, value: str) -> Origin:
        return "echo" if self._holds(label, value) else "leak"

    def _holds(self, label: str, value: str) -> bool:
        if label in _WORDED:
            words = [word for word in _words(value) if len(word) > 1] or _words(value)
            return self._words.issuperset(words)
        if "@" in value or label == "URL":
            return value.casefold() in self._folded
        run = _run(value)
        if label == "PHONE_NUMBER":
            run = _EXTENSION.split(run, maxsplit=1)[0][-_PHONE_DIGITS:]
        if len(run) < _SHORTEST_RUN:
            return self._words.issuperset(_words(value))
        return run in self._runs


def _words(text: str) -> list[str]:
    """The words in lower case, without accents, abbreviations of streets written out."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return [_LONG_FORMS.get(word, word) for word in _WORD.findall(plain)]


def _run(text: str) -> str:
    """Letters and digits alone, in lower case."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))
