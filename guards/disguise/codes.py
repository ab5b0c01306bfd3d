"""Encodings undone: base64, base32, base85, hex, Morse, number codes, escapes, rot13, reversed text, tag characters.

What decodes to no readable text is left alone. All is linear in the text's length, and what comes out is never longer
than what went in.
"""

import base64
import binascii
import codecs
import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from guards.disguise.rendering import Edit

_FEWEST = 6  # code points: shorter findings are chance
_READABLE = 0.97  # share of printable code points
_WORDY = 0.75  # share of letters and spaces

_PERCENT = re.compile("(?:%[0-9A-Fa-f]{2})++")
_ENTITY = re.compile("(?:&(?:#[0-9]{2,6}|#[xX][0-9A-Fa-f]{2,5}|[A-Za-z]{2,8});)++")
_BACKSLASH = re.compile(r"(?:\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U000[0-9A-Fa-f]{5}))++")
_ONE_BACKSLASH = re.compile(r"\\[xuU]([0-9A-Fa-f]+)")
_BASE64 = re.compile(r"(?<![\w+/-])[\w+/-]{12,}+={0,2}(?:\r?\n[\w+/-]{12,}+={0,2})*+", re.ASCII)
_BASE32 = re.compile("(?<![A-Za-z0-9])[A-Z2-7]{16,}+={0,6}")
# Nothing is demanded behind a run: were it missing, the search would begin again at each of the run's parts.
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:(?:0x)?[0-9A-Fa-f]{2}[ ,:]{0,2}+){8,}+")
_BINARY = re.compile(r"(?<!\d)(?:[01]{8}[ ,]?){6,}+")
_DECIMAL = re.compile(r"(?<!\d)(?:\d{2,3}[ ,]{1,2}){7,}+(?:\d{2,3})?+")
_BASE85 = re.compile(r"(?<!\S)[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]{25,}+(?!\S)")
_MORSE = re.compile(r"(?<![\w.-])(?:[.-]{1,5}+[ /|]{1,3}+){8,}+(?:[.-]{1,5}+)?+")
_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007e])[\U000e0020-\U000e007e]++")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{6,}+")
_SENTENCE = re.compile('[^\n.!?:;"`]++')
_WORD = re.compile("[A-Za-z]{3,}+")
_NUMBER = re.compile(r"\d+")
_NOT_HEX = re.compile("0x|[^0-9A-Fa-f]")
_BETWEEN_WORDS = re.compile(r" ?[/|] ?| {2,3}")


@dataclass(frozen=True, slots=True)
class Codes:
    """Finds and decodes. ``plain`` are frequent English words; the next two are these in rot13 and backwards.

    ``morse`` are letters and digits by their sign.
    """

    plain: frozenset[str]
    rotated: frozenset[str]
    reversed: frozenset[str]
    morse: Mapping[str, str]

    @classmethod
    def of(cls, tables: Mapping[str, Any]) -> "Codes":
        """From the pattern file's list ``words`` and its table ``morse``."""
        plain = frozenset(tables["words"])
        return cls(
            plain,
            frozenset(codecs.encode(word, "rot13") for word in plain) - plain,
            frozenset(word[::-1] for word in plain) - plain,
            tables["morse"],
        )

    def escapes(self, text: str) -> Iterator[Edit]:
        """Escapes to be undone where they stand: those of a kind that somewhere hides an ASCII letter."""
        for sign, pattern, decode in _ESCAPES:
            runs = [] if sign not in text else [(m.start(), m.end(), decode(m.group())) for m in pattern.finditer(text)]
            if any(_hides_letter(decoded) for _, _, decoded in runs):
                yield from (Edit(start, end, decoded) for start, end, decoded in runs if len(decoded) <= end - start)
                return  # the other kinds may overlap: they are found when the result is read again

    def blobs(self, text: str) -> Iterator[Edit]:
        """What decodes to readable text, and which text."""
        for pattern, decode in (*_BLOBS, (_MORSE, self._unmorse)):
            for match in pattern.finditer(text):
                decoded = decode(match.group())
                if decoded is not None and _readable(decoded):
                    yield Edit(match.start(), match.end(), decoded)
        yield from self._sentences(text)

    def _unmorse(self, run: str) -> str | None:
        words = [word.split() for word in _BETWEEN_WORDS.split(run.strip())]
        if not all(sign in self.morse for word in words for sign in word):
            return None
        return " ".join("".join(self.morse[sign] for sign in word) for word in words)

    def _sentences(self, text: str) -> Iterator[Edit]:
        for match in _SENTENCE.finditer(text):
            words = [word.lower() for word in _WORD.findall(match.group())]
            plain = sum(word in self.plain for word in words)
            sentence = match.group()
            if _speaks(words, self.rotated, plain):
                yield Edit(match.start(), match.end(), codecs.encode(sentence, "rot13"))
            if _speaks(words, self.reversed, plain):
                yield Edit(match.start(), match.end(), sentence[::-1])


def _speaks(words: list[str], known: frozenset[str], plain: int) -> bool:
    hits = sum(word in known for word in words)
    return hits >= 2 and hits > 2 * plain and 5 * hits >= len(words)


def _hides_letter(decoded: str) -> bool:
    return any(sign.isascii() and sign.isalpha() for sign in decoded)


def _readable(text: str) -> bool:
    if len(text) < _FEWEST:
        return False
    printable = sum(sign.isprintable() or sign in "\n\t\r" for sign in text)
    wordy = sum(sign.isalpha() or sign.isspace() for sign in text)
    return printable >= _READABLE * len(text) and wordy >= _WORDY * len(text)


def _unbackslash(run: str) -> str:
    return "".join(chr(min(int(code, 16), 0x10FFFF)) for code in _ONE_BACKSLASH.findall(run))


def _base64(blob: str) -> str | None:
    packed = "".join(blob.split()).rstrip("=").replace("-", "+").replace("_", "/")
    packed = packed[: len(packed) - (len(packed) % 4 == 1)]
    return _utf8(base64.b64decode, packed + "=" * (-len(packed) % 4))


def _base32(blob: str) -> str | None:
    packed = blob.rstrip("=")
    return _utf8(base64.b32decode, packed + "=" * (-len(packed) % 8))


def _base85(blob: str) -> str | None:
    return _utf8(base64.b85decode, blob)


def _hex(blob: str) -> str | None:
    return _utf8(bytes.fromhex, _NOT_HEX.sub("", blob))


def _binary(blob: str) -> str | None:
    bits = "".join(_NUMBER.findall(blob))
    return _utf8(lambda text: bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8)), bits)


def _decimal(blob: str) -> str | None:
    codes = [int(number) for number in _NUMBER.findall(blob)]
    return "".join(map(chr, codes)) if all(32 <= code < 127 for code in codes) else None


def _tags(run: str) -> str:
    return "".join(chr(ord(tag) - 0xE0000) for tag in run)


def _selectors(run: str) -> str | None:
    codes = (ord(sign) for sign in run)
    return _utf8(bytes, bytes(code - 0xFE00 if code < 0xFE10 else code - 0xE0100 + 16 for code in codes))


def _utf8(decode: Callable[[Any], bytes], packed: str | bytes) -> str | None:
    try:
        return decode(packed).decode("utf-8")
    except (ValueError, binascii.Error):
        return None


_ESCAPES: Final = (
    ("%", _PERCENT, lambda run: unquote(run, errors="replace")),
    ("&", _ENTITY, html.unescape),
    ("\\", _BACKSLASH, _unbackslash),
)
_BLOBS: Final = (
    (_BASE64, _base64),
    (_BASE32, _base32),
    (_BASE85, _base85),
    (_HEX, _hex),
    (_BINARY, _binary),
    (_DECIMAL, _decimal),
    (_TAGS, _tags),
    (_SELECTORS, _selectors),
)
