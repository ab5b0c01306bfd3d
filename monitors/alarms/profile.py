"""What is normal at each hour of the week, and how far the truth strays from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitors.alarms.bins import DAY, WEEK, Bin, Summary, day_of_week, hour_of_day

_ROUNDS: Final = 3
_PSEUDO_HITS: Final = 10.0
_LEAST: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Hours:
    """Bins as columns, in order of time."""

    hour: NDArray[np.int64]
    events: NDArray[np.float64]
    total: NDArray[np.float64]

    def where(self, mask: NDArray[np.bool_]) -> "Hours":
        """Only those hours."""
        return Hours(self.hour[mask], self.events[mask], self.total[mask])


def columns(bins: Sequence[Bin] | Sequence[Summary]) -> Hours:
    """The bins that hold events, as columns."""
    full = [b for b in bins if b.events]
    return Hours(
        np.array([b.hour for b in full], np.int64),
        np.array([b.events for b in full], float),
        np.array([b.total for b in full], float),
    )


@dataclass(frozen=True, slots=True)
class Profile:
    """The expected rate: ``level`` times a factor of the hour of the day times one of the day of the week."""

    level: float
    of_hour: tuple[float, ...]
    of_day: tuple[float, ...]

    def at(self, hours: NDArray[np.int64]) -> NDArray[np.float64]:
        """The expected rate of each hour, inside (0, 1)."""
        rates = self.level * np.array(self.of_hour)[hour_of_day(hours)] * np.array(self.of_day)[day_of_week(hours)]
        return np.asarray(np.clip(rates, _LEAST, 1 - _LEAST))

    def of(self, hour: int) -> float:
        """The expected rate of one hour."""
        return float(self.at(np.array([hour]))[0])


def fit_profile(data: Hours) -> Profile:
    """Factors by raking (iterative proportional fitting: Deming and Stephan 1940), three rounds.

    Ten pseudo-hits a factor pull it towards 1: with few hits a factor's error would become part of every alarm.
    """
    level = _inside(float(data.total.sum() / data.events.sum()))
    hour, day = hour_of_day(data.hour), day_of_week(data.hour)
    of_hour, of_day = np.ones(DAY), np.ones(7)
    for _ in range(_ROUNDS):
        of_hour = _factors(hour, data.total, data.events * level * of_day[day], DAY)
        of_day = _factors(day, data.total, data.events * level * of_hour[hour], 7)
        level = _inside(float(data.total.sum() / (data.events * of_hour[hour] * of_day[day]).sum()))
    return Profile(level, tuple(of_hour.tolist()), tuple(of_day.tolist()))


def _inside(level: float) -> float:
    """The level, where odds can be formed of it: what was never seen, or always, is not certain."""
    return min(max(level, _LEAST), 1 - _LEAST)


def _factors(
    place: NDArray[np.int64], hits: NDArray[np.float64], expected: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    seen, due = (np.bincount(place, weights, count) for weights in (hits, expected))
    return (seen + _PSEUDO_HITS) / (due + _PSEUDO_HITS)


def expected_elsewhere(data: Hours) -> NDArray[np.float64]:
    """The rate that the other weeks expect for each hour: leave one week out.

    A profile that has seen an hour fits it too well, and an alarm that is calibrated on such residuals cries wolf.
    """
    week = (data.hour - data.hour[0]) // WEEK
    expected = np.empty(len(week))
    for each in np.unique(week):
        expected[week == each] = fit_profile(data.where(week != each)).at(data.hour[week == each])
    return expected


def wander(data: Hours, expected: NDArray[np.float64]) -> float:
    """How far the true rate strays from its profile from hour to hour, as a standard deviation.

    √max(0, γ₁, γ₂) with the autocovariances of S/n - m at lags of one and two hours: noise of sampling is
    independent from hour to hour and does not enter them.
    """
    residual = data.total / data.events - expected
    covariances = [0.0]
    for lag in (1, 2):
        follow = np.searchsorted(data.hour, data.hour + lag)
        both = follow < len(data.hour)
        both[both] = data.hour[follow[both]] == data.hour[both] + lag
        if both.any():
            covariances.append(float((residual[both] * residual[follow[both]]).mean()))
    return sqrt(max(covariances))
