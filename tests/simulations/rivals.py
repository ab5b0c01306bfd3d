"""What others use, on the same streams: each gives one number an hour, and pages where it passes a threshold."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from river.drift import ADWIN

from monitors.alarms.profile import Hours, fit_profile
from tests.simulations.traffic import REFERENCE_HOURS, Conversations

ADWIN_DELTAS = (2e-3, 1e-3, 5e-4, 2e-4, 1e-4, 1e-5)
DAY = 24


@dataclass(frozen=True)
class Hourly:
    """Live and reference hours with their expected rate; ``residual`` in the reference's own standard deviations."""

    events: np.ndarray
    total: np.ndarray
    expected: np.ndarray
    residual: np.ndarray
    level: float


def hourly(rows: Conversations, hours: int) -> Hourly:
    """The rivals are given Weir's own profile of the week: without it the season alone makes them page."""
    events, total = (np.bincount(rows.hour, w, hours) for w in (rows.events, rows.hits))
    hour = np.arange(hours)
    reference = (hour < REFERENCE_HOURS) & (events > 0)
    profile = fit_profile(Hours(hour[reference], events[reference], total[reference]))
    expected = profile.at(hour)
    residual = np.where(events > 0, total / np.maximum(events, 1) - expected, 0.0)
    return Hourly(events, total, expected, residual / residual[:REFERENCE_HOURS].std(), profile.level)


def rolling(values: np.ndarray, width: int) -> np.ndarray:
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return sums[width:] - sums[:-width]


def z_test(data: Hourly) -> np.ndarray:
    """The last 24 hours against what the profile expects, binomial."""
    events, total = rolling(data.events, DAY), rolling(data.total, DAY)
    due = rolling(data.events * data.expected, DAY)
    spread = np.sqrt(due * (1 - due / np.maximum(events, 1)))
    return np.r_[np.zeros(DAY - 1), np.abs(total - due) / np.maximum(spread, 1e-9)]


def psi(data: Hourly) -> np.ndarray:
    """The population stability index of the last 24 hours against the reference, bad and good as bins."""
    rate = np.clip(rolling(data.total, DAY) / np.maximum(rolling(data.events, DAY), 1), 1e-6, 1 - 1e-6)
    index = (rate - data.level) * np.log(rate / data.level)
    index += (data.level - rate) * np.log((1 - rate) / (1 - data.level))
    return np.r_[np.zeros(DAY - 1), index]


def page_hinkley(data: Hourly, slack: float = 0.005) -> np.ndarray:
    """Two-sided, on hourly residuals, with river's mean, slack and forgetting (alpha .9999)."""
    out = np.empty(len(data.residual))
    mean = up = down = lowest = highest = 0.0
    for place, value in enumerate(data.residual.tolist()):
        mean += (value - mean) / (place + 1)
        up, down = 0.9999 * up + value - mean - slack, 0.9999 * down + value - mean + slack
        lowest, highest = min(lowest, up), max(highest, down)
        out[place] = max(up - lowest, highest - down)
    return out


def cusum(data: Hourly) -> np.ndarray:
    """Page's (1954) sums of hourly residuals with a slack of a quarter of their standard deviation."""
    return np.maximum(_sums(data.residual), _sums(-data.residual))


def _sums(residual: np.ndarray) -> np.ndarray:
    walk = np.cumsum(residual - 0.25)
    return walk - np.minimum.accumulate(np.minimum(walk, 0.0))


def kswin(data: Hourly) -> np.ndarray:
    """KSWIN's distance: the last 30 hourly residuals against 30 drawn from the 70 before (Raab et al. 2020)."""
    source = np.random.default_rng(0)
    out = np.zeros(len(data.residual))
    for place in range(REFERENCE_HOURS - 1, len(out)):
        last = np.sort(data.residual[place - 29 : place + 1])
        before = np.sort(source.choice(data.residual[place - 99 : place - 29], 30, replace=False))
        both = np.r_[last, before]
        gaps = np.searchsorted(last, both, "right") - np.searchsorted(before, both, "right")
        out[place] = np.abs(gaps).max() / 30
    return out


STATISTICS: dict[str, Callable[[Hourly], np.ndarray]] = {
    "24 h z-test": z_test,
    "24 h PSI": psi,
    "Page-Hinkley, hourly": page_hinkley,
    "CUSUM, hourly": cusum,
    "KSWIN, hourly": kswin,
}
CUSTOMARY = {"24 h z-test": 3.0, "24 h PSI": 0.2, "Page-Hinkley, hourly": 50.0, "CUSUM, hourly": 5.0,
             "KSWIN, hourly": 0.4334}  # fmt: skip
"""KSWIN: the distance of 30 and 30 at river's default alpha of .005."""


def adwin(rows: Conversations, data: Hourly, delta: float) -> list[int]:
    """Hours of ADWIN's detections (Bifet and Gavalda 2007) on conversation means less the season, in order."""
    means = rows.hits / rows.events - data.expected[rows.hour] + data.level
    detector, found = ADWIN(delta=delta), []
    for hour, value in zip(rows.hour.tolist(), means.tolist(), strict=True):
        detector.update(value)
        if detector.drift_detected and hour >= REFERENCE_HOURS:
            found.append(hour)
    return found
