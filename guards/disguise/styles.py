"""Letters, digits and signs in another style: full width, mathematical alphabets, circles. No script is written so.

Letters give a style away. Digits and signs are read as ASCII beside them only: alone, between words of Chinese or
behind a number, they are ordinary.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from guards import patterns
from guards.disguise.rendering import Edit

PATTERNS: Final = "disguise.toml"
_BLANKS: Final = " \u3000"


@dataclass(frozen=True, slots=True)
class Styles:
    """Undoes styles code point by code point. Pure, thread-safe and linear.

    ``table`` is for ``str.translate``, ``letters`` are what it makes ASCII letters of, ``run`` matches stretches that
    hold nothing but what it knows, and blanks.
    """

    table: Mapping[int, str]
    letters: frozenset[str]
    run: re.Pattern[str]
    version: str

    @classmethod
    def load(cls) -> "Styles":
        """From the packaged pattern file. Raises ConfigError when it cannot be read."""
        read = patterns.read(PATTERNS)
        return cls.of(read.tables, read.digest)

    @classmethod
    def of(cls, tables: Mapping[str, Any], digest: str) -> "Styles":
        """From the pattern file's tables ``lookalikes``, as far as these are styled, and ``forms`` (sign to forms)."""
        doubles = ((double, letter) for letter, found in tables["lookalikes"].items() for double in found)
        letters = {double: letter for double, letter in doubles if is_styled(double)}
        forms = {form: sign for sign, found in tables["forms"].items() for form in found}
        known = letters | forms
        signs = "".join(_ranges(sorted(map(ord, known))))
        run = re.compile(f"[{signs}][{signs}{_BLANKS}]*+")
        return cls({ord(sign): plain for sign, plain in known.items()}, frozenset(letters), run, digest)

    def edits(self, text: str) -> Iterator[Edit]:
        """Every stretch with a styled letter that touches no letter of another script, in ASCII, as long as it was."""
        if text.isascii() or self.letters.isdisjoint(text):
            return
        for match in self.run.finditer(text):
            start, end = match.span()
            letters = [place for place in range(start, end) if text[place] in self.letters]
            if not letters:
                continue
            # A sign between the two scripts belongs to the other one.
            start = letters[0] if _is_foreign(text[max(0, start - 1) : start]) else start
            end = letters[-1] + 1 if _is_foreign(text[end : end + 1]) else end
            if not (_is_foreign(text[max(0, start - 1) : start]) or _is_foreign(text[end : end + 1])):
                yield Edit(start, end, text[start:end].translate(self.table))

    def plain(self, text: str) -> str:
        """The text with these stretches in ASCII: offsets stay what they were."""
        pieces, at = list[str](), 0
        for edit in self.edits(text):
            pieces += (text[at : edit.start], edit.text)
            at = edit.end
        return "".join((*pieces, text[at:])) if pieces else text


def _ranges(codes: Sequence[int]) -> Iterator[str]:
    """The code points as ranges of a character class: one by one they would be compared one by one."""
    for _, group in groupby(enumerate(codes), lambda numbered: numbered[1] - numbered[0]):
        neighbours = [code for _, code in group]
        yield f"\\U{neighbours[0]:08x}-\\U{neighbours[-1]:08x}"


def is_styled(letter: str) -> bool:
    """Whether it is a compatibility form (full-width, mathematical, in a circle), not a letter of some script."""
    return "\u2100" <= letter <= "\u24ff" or letter >= "\uff00" or "\u1d00" <= letter <= "\u1dbf"


def _is_foreign(neighbour: str) -> bool:
    return neighbour.isalpha() and not neighbour.isascii()
