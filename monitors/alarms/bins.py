"""What an alarm is fed with: closed hours."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

DAY: Final = 24
WEEK: Final = 168
_MONDAY: Final = 72
"""1970-01-01 was a Thursday: three days after a Monday."""


@dataclass(frozen=True, slots=True)
class Bin:
    """One closed hour of one series, whose values lie in [0, 1].

    ``hour`` counts hours since 1970 (UTC). ``means`` are the means of the conversations whose first event fell into
    this hour, each distinct one with how many had it: events of a conversation resemble each other, so conversations
    are what the fast lane bets on. ``total`` is the sum over all events.
    """

    hour: int
    events: int
    total: float
    means: tuple[tuple[float, int], ...]

    @property
    def summary(self) -> "Summary":
        """What a reference keeps of the bin."""
        first, second = (sum(mean**power * count for mean, count in self.means) for power in (1, 2))
        return Summary(self.hour, self.events, self.total, sum(count for _, count in self.means), first, second)


@dataclass(frozen=True, slots=True)
class Summary:
    """A bin without its conversations: how many, and the sums of their means and of the means' squares."""

    hour: int
    events: int
    total: float
    conversations: int
    first: float
    second: float

    @property
    def summary(self) -> "Summary":
        """Itself."""
        return self


def bin_of(hour: int, conversations: Iterable[Sequence[float]]) -> Bin:
    """The bin of the conversations of an hour, each given by the values of its events (at least one)."""
    whole = [tuple(values) for values in conversations]
    means = Counter(sum(values) / len(values) for values in whole)
    return Bin(hour, sum(map(len, whole)), sum(map(sum, whole)), tuple(sorted(means.items())))


def hour_of_day(hour: NDArray[np.int64]) -> NDArray[np.int64]:
    """0 to 23, UTC."""
    return hour % DAY


def day_of_week(hour: NDArray[np.int64]) -> NDArray[np.int64]:
    """0 (Monday) to 6."""
    return (hour + _MONDAY) // DAY % 7
