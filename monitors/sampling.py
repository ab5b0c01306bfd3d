"""Consistent probability sampling (OTEP-235's rule, with a keyed hash).

The decision is a function of secret, purpose and unit: it comes out the same in every process and on every replay,
different purposes decide independently, and an application that chooses its own ids cannot steer it. A smaller
probability selects a subset of what a larger one selects.
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from math import floor
from typing import Final

_BITS: Final = 56


@dataclass(frozen=True, slots=True)
class Sampler:
    """Draws units for one purpose, such as ``review``."""

    secret: bytes = field(repr=False)
    purpose: str

    def draw(self, unit: str) -> float:
        """The unit's place between 0 and 1, 1 excluded: R, as in ``keeps``, over 2⁵⁶. It has 53 bits."""
        return (self._randomness(unit) >> (_BITS - 53)) / (1 << 53)

    def keeps(self, unit: str, probability: float) -> bool:
        """Whether the unit is in the sample: true for a share ``probability`` of all units.

        ``unit`` is an event's id (review) or a conversation's (A/B). R is the first 56 bits of BLAKE2b, keyed with
        the secret, of purpose and unit; the unit is kept iff R < floor(probability · 2⁵⁶).
        """
        return self._randomness(unit) < floor(probability * (1 << _BITS))

    def _randomness(self, unit: str) -> int:
        message = f"{self.purpose}\0{unit}".encode("utf-8", "surrogatepass")
        key = blake2b(self.secret, digest_size=32).digest()  # a key may be longer than BLAKE2b takes
        return int.from_bytes(blake2b(message, key=key, digest_size=_BITS // 8).digest())
