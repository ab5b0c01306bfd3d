"""Ranges of offsets of one partition, and what is left of one when others are taken out. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class OffsetRange:
    """The offsets from ``first`` on, up to but not including ``past``."""

    first: int
    past: int

    def __len__(self) -> int:
        return max(0, self.past - self.first)

    def overlap(self, other: "OffsetRange") -> "OffsetRange":
        """What both hold; may be empty."""
        first = max(self.first, other.first)
        return OffsetRange(first, max(first, min(self.past, other.past)))


def within(whole: OffsetRange, ranges: Iterable[OffsetRange]) -> tuple[OffsetRange, ...]:
    """Those parts of the ranges that lie in ``whole``, in order, joined where they touch or overlap."""
    joined: list[OffsetRange] = []
    for part in sorted(cut for each in ranges if len(cut := whole.overlap(each))):
        if joined and part.first <= joined[-1].past:
            joined[-1] = OffsetRange(joined[-1].first, max(joined[-1].past, part.past))
        else:
            joined.append(part)
    return tuple(joined)


def without(whole: OffsetRange, ranges: Iterable[OffsetRange]) -> tuple[OffsetRange, ...]:
    """What is left of ``whole``, in order."""
    left: list[OffsetRange] = []
    at = whole.first
    for part in within(whole, ranges):
        left.append(OffsetRange(at, part.first))
        at = part.past
    left.append(OffsetRange(at, whole.past))
    return tuple(part for part in left if len(part))


def apart(ranges: Iterable[OffsetRange], others: Iterable[OffsetRange]) -> tuple[OffsetRange, ...]:
    """Those parts of the ranges, which do not overlap, that lie in none of the others."""
    taken = tuple(others)
    return tuple(part for each in ranges for part in without(each, taken))


def count(ranges: Iterable[OffsetRange]) -> int:
    """How many offsets the ranges hold, which do not overlap."""
    return sum(map(len, ranges))
