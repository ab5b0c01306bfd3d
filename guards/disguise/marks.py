"""Marks of an attack that are no words: characters nobody sees, and turns of a chat that a text forges."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from guards.guard import Hit
from guards.spans import drop_dominated

HIDDEN: Final = "HIDDEN_CHARACTERS"
FORGED: Final = "FORGED_TURN"

# A flag such as Scotland's is a black flag, up to six tag characters and their end: it hides nothing.
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e007a]{2,6}\U000e007f")


@dataclass(frozen=True, slots=True)
class _Mark:
    label: str
    score: float
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Marks:
    """Finds marks by the expressions of the pattern file. Pure, thread-safe and linear."""

    marks: tuple[_Mark, ...]
    repeated: float

    @classmethod
    def of(cls, tables: Mapping[str, Any]) -> "Marks":
        """From the pattern file's tables ``mark`` (label, score, expression) and ``forged_repeatedly`` (a score)."""
        marks = tuple(_Mark(mark["label"], mark["score"], re.compile(mark["expression"])) for mark in tables["mark"])
        return cls(marks, tables["forged_repeatedly"])

    def hits(self, text: str) -> tuple[Hit, ...]:
        """Every mark with its span and how sure a sign it is; several forged turns in one text are a surer one."""
        found = drop_dominated(self._found(text))
        forged = [hit for hit in found if hit.label == FORGED]
        if not any(later.start >= earlier.end for earlier, later in pairwise(forged)):
            return found
        return tuple(replace(hit, score=max(hit.score, self.repeated)) if hit.label == FORGED else hit for hit in found)

    def _found(self, text: str) -> Iterator[Hit]:
        flags = {at for match in _FLAG.finditer(text) for at in range(*match.span())}
        for mark in self.marks:
            for match in mark.pattern.finditer(text):
                if match.start() not in flags:
                    yield Hit(mark.label, mark.score, match.start(), match.end())
