"""Whether an app's traffic has stopped: a rule of thumb, without a budget. Pure."""

from dataclasses import dataclass
from math import fsum
from typing import Final

from monitors.alarms.bins import DAY, WEEK

_KEPT: Final = 4 * WEEK
_LEAST_BINS: Final = 3
_MISSING_EVENTS: Final = 50.0
_LEAST_HISTORY: Final = 7 * DAY


@dataclass(frozen=True, slots=True)
class Traffic:
    """Events of the bins that had any, the latest last, and the first bin ever."""

    first: int | None = None
    bins: tuple[tuple[int, int], ...] = ()

    @property
    def last(self) -> int | None:
        """The last bin with events."""
        return self.bins[-1][0] if self.bins else None


def counted(traffic: Traffic, number: int, events: int) -> Traffic:
    """The traffic with a bin that had events."""
    kept = tuple(each for each in traffic.bins if each[0] > number - _KEPT)
    return Traffic(number if traffic.first is None else traffic.first, (*kept, (number, events)))


def has_stopped(traffic: Traffic, number: int) -> bool:
    """Whether three bins and more up to this one are empty in which fifty events and more were to be expected.

    What is expected of a bin is the mean of the same hour of the day over four weeks. There is no opinion in the first
    week.
    """
    if traffic.first is None or traffic.last is None or number - traffic.last < _LEAST_BINS:
        return False
    if traffic.last - traffic.first < _LEAST_HISTORY:
        return False
    days = max(1.0, (min(traffic.last - traffic.first + 1, _KEPT)) / DAY)
    of_hour = [0.0] * DAY
    for each, events in traffic.bins:
        of_hour[each % DAY] += events / days
    silent = number - traffic.last
    whole, rest = divmod(silent, DAY)
    missing = whole * fsum(of_hour) + fsum(of_hour[each % DAY] for each in range(number - rest + 1, number + 1))
    return missing >= _MISSING_EVENTS
