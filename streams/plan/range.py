"""A number that is known from some measurements: the least, the likely and the most."""

from dataclasses import dataclass
from math import ceil
from typing import Self


@dataclass(frozen=True, slots=True)
class Range:
    """``low <= likely <= high``. Sums and products keep the order; nothing is said about how likely the ends are."""

    low: float
    likely: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.likely <= self.high:
            raise ValueError("expected 0 <= low <= likely <= high")

    @classmethod
    def exactly(cls, value: float) -> Self:
        """A number that is given, not measured."""
        return cls(value, value, value)

    def __add__(self, other: "Range") -> "Range":
        """Both together."""
        return Range(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def __mul__(self, factor: float) -> "Range":
        """So many times as much."""
        return Range(self.low * factor, self.likely * factor, self.high * factor)

    def per(self, rate: "Range") -> "Range":
        """How many that each do ``rate`` do all of this: most of the slowest, least of the fastest."""
        return Range(self.low / rate.high, self.likely / rate.likely, self.high / rate.low)

    def whole(self, least: int = 1) -> "Range":
        """Rounded up to whole ones, and ``least`` at least."""
        return Range(*(float(max(least, ceil(value - 1e-9))) for value in (self.low, self.likely, self.high)))
