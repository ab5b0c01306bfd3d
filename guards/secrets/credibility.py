"""Whether what looks like a secret is one, or stands for one in an example."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Protocol


class Ignorable(Protocol):
    """A compiled expression for what is no secret."""

    def fullmatch(self, text: str) -> object: ...


@dataclass(frozen=True, slots=True)
class Credibility:
    """What a secret must have: ``entropy`` in bits a character, ``mixed`` characters, a length of ``shortest``.

    A secret that contains one of ``placeholders`` or equals one of ``placeholder_words`` (both in lower case) is an
    example; one that matches ``ignore`` is something else.
    """

    entropy: float
    mixed: bool
    shortest: int
    placeholders: tuple[str, ...]
    placeholder_words: frozenset[str]
    ignore: Ignorable | None = None

    def holds(self, secret: str) -> bool:
        """Whether the secret can be a real one."""
        if len(secret) < self.shortest or (self.mixed and not _is_mixed(secret)):
            return False
        lowered = secret.lower()
        if lowered in self.placeholder_words or any(sign in lowered for sign in self.placeholders):
            return False
        if self.ignore is not None and self.ignore.fullmatch(secret):
            return False
        return shannon_entropy(secret) >= self.entropy


def shannon_entropy(text: str) -> float:
    """Bits a character: -Σ p log2 p over the frequencies p of the characters; 0 for an empty text."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def _is_mixed(secret: str) -> bool:
    """A letter and something else than letters and the marks that join words."""
    letters = any(map(str.isalpha, secret))
    return letters and not all(character.isalpha() or character in "_-./" for character in secret)
