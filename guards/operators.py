"""What is put in the place of what is redacted."""

import string
import unicodedata
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from guards.masking import placeholder
from schemas.policy import Redaction

_HASH_BYTES: Final = 6
_SHOWN_DIGITS: Final = 4
_ENOUGH_DIGITS: Final = 8  # of fewer digits, four would give half away
_KEPT: Final = frozenset(string.punctuation + string.whitespace)


@dataclass(frozen=True, slots=True)
class Operators:
    """A policy's choice for every label. ``salt`` keys the hashes: without it nobody can try values out."""

    redaction: Redaction = field(default_factory=Redaction)
    salt: bytes = field(default=b"", repr=False)

    def replacement(self, value: str, label: str) -> str | None:
        """What stands for the value; None for a numbered placeholder, which can be undone."""
        match self.redaction.operator_for(label):
            case "replace":
                return None
            case "drop":
                return ""
            case "mask":
                return masked(value)
            case "hash":
                return placeholder(f"{label}#{self._digest(value)}")

    def _digest(self, value: str) -> str:
        key = blake2b(self.salt, digest_size=32, person=b"redaction").digest()
        return blake2b(value.encode("utf-8", "surrogatepass"), key=key, digest_size=_HASH_BYTES).hexdigest()


def masked(value: str) -> str:
    """Stars in place of letters and digits, one a character as it is seen; the last four of many digits stay."""
    digits = [place for place, sign in enumerate(value) if sign.isdecimal()]
    shown = frozenset(digits[-_SHOWN_DIGITS:]) if len(digits) >= _ENOUGH_DIGITS else frozenset()
    pieces = []
    for place, sign in enumerate(value):
        if place in shown or sign in _KEPT:
            pieces.append(sign)
        elif not (unicodedata.combining(sign) or unicodedata.category(sign) in {"Mn", "Mc", "Me", "Cf", "Sk"}):
            pieces.append("*")
    return "".join(pieces)
