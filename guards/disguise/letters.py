"""Spelling tricks undone: look-alike letters, letters spaced out, digits for letters, characters nobody sees.

Each function finds the edits that undo one trick and leaves ordinary text alone, other scripts included: a Cyrillic
word stays Cyrillic unless it stands for an English one. All are linear in the text's length.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from guards.disguise.rendering import Edit
from guards.disguise.styles import is_styled

_FEWEST_SPACED = 5  # letters: "a b c d" is a list, and "U.S.A." an abbreviation

_UNSEEN_IN_WORD = re.compile(
    "(?<=[A-Za-z0-9\u00c0-\u052f\uff21-\uff5a])"
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]++"
    "(?=[A-Za-z0-9\u00c0-\u052f\uff21-\uff5a])"
)
_SPACED = re.compile(r"(?<![^\W_])[^\W\d_](?:(?:[.\-_*|·•~,/]|\s){1,3}+[^\W\d_](?![^\W_]))++")
_GAP = re.compile(r"[^\w]+|_+")
# Longer mixtures of letters and digits are keys and hashes.
_LEET = re.compile(r"(?<![^\s\"'(\[*_])[A-Za-z0-9@$!]{3,20}+(?=[\s\"')\]*_.,;:?!]*(?:\s|$))")
_BETWEEN = re.compile("[A-Za-z][0-9@$!]{1,2}[A-Za-z]")  # not "11th", not "TA0004"
_ASCII_LETTER = re.compile("[A-Za-z]")
_SMALL_CAPITALS = frozenset("\u0262\u026a\u0274\u0280\u028f\u0299\u029c\u029f\ua730\ua731\ua7af")  # not of U+1D00


@dataclass(frozen=True, slots=True)
class Letters:
    """Tables for ``str.translate``: ``lookalikes`` and ``leet``. ``word`` matches words that may hold look-alikes."""

    lookalikes: Mapping[int, str]
    leet: Mapping[int, str]
    word: re.Pattern[str]

    @classmethod
    def of(cls, tables: Mapping[str, Any]) -> "Letters":
        """From the pattern file's tables ``lookalikes`` (letter to its doubles) and ``leet`` (sign to letter)."""
        lookalikes = {ord(double): letter for letter, doubles in tables["lookalikes"].items() for double in doubles}
        signs = "".join(chr(code) for code in lookalikes if not chr(code).isalpha())
        return cls(
            lookalikes,
            {ord(sign): letter for sign, letter in tables["leet"].items()},
            re.compile(rf"(?:[^\W\d_]|[{re.escape(signs)}])++"),
        )

    def unseen(self, text: str) -> Iterator[Edit]:
        """Characters without a width inside words of Latin, Greek or Cyrillic; other scripts may need theirs."""
        if not text.isascii():
            yield from (Edit(match.start(), match.end(), "") for match in _UNSEEN_IN_WORD.finditer(text))

    def doubled(self, text: str) -> Iterator[Edit]:
        """Words of look-alikes, wholly or in part, that read as ASCII."""
        if text.isascii():
            return
        latin = None
        for match in self.word.finditer(text):
            word = match.group()
            if word.isascii():
                continue
            plain = word.translate(self.lookalikes)
            if not plain.isascii():
                continue
            if _ASCII_LETTER.search(word) is None and not any(map(is_styled, word)):
                # All of it is another script's: an English word only where the rest of the text is Latin. No language
                # spells with small capitals alone.
                latin = _mostly_ascii(text) if latin is None else latin
                if len(word) < 2 or not (latin or _SMALL_CAPITALS.issuperset(word)):
                    continue
            yield Edit(match.start(), match.end(), plain)

    def spaced(self, text: str) -> Iterator[Edit]:
        """``i g n o r e``: the commonest gap between single letters goes, any other becomes a space."""
        for match in _SPACED.finditer(text):
            run = match.group()
            gaps = [(gap.start(), gap.end(), gap.group()) for gap in _GAP.finditer(run)]
            if len(gaps) + 1 < _FEWEST_SPACED:
                continue
            usual = Counter(gap for _, _, gap in gaps).most_common(1)[0][0]
            for start, end, gap in gaps:
                yield Edit(match.start() + start, match.start() + end, "" if gap == usual else " ")

    def numbered(self, text: str) -> Iterator[Edit]:
        """``1gn0r3``: short words in which digits and signs stand for letters, as far as they do."""
        for match in _LEET.finditer(text):
            word = match.group().rstrip("!")
            plain = word.translate(self.leet)
            if plain == word or not plain.isalpha():
                continue
            if _BETWEEN.search(word) and sum(old != new for old, new in zip(word, plain, strict=True)) < len(word) - 1:
                yield Edit(match.start(), match.start() + len(word), plain)


def _mostly_ascii(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    return 2 * len(_ASCII_LETTER.findall(text)) > letters
