"""The sensitive lane: whitened residuals of blocks of hours, by rank. Its promise is proven for exchangeable residuals.

How far the whitening makes them so is simulated.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from monitors.alarms.bins import DAY
from monitors.alarms.profile import Hours

RATES: Final = (0.2, 0.3, 0.4, 0.8, 1.6)
"""Sizes of a bet: the best one against a drift of so many deviations a block. Any set of them keeps the promise."""
BETS: Final = 2 * len(RATES)
LENGTHS: Final = (1, 2, 3, 4, 6, 8, 12, 24)
"""Hours of a block; they divide the day."""
_EXPECTED_HITS: Final = 10.0
_MEMORIES: Final = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
_NO_SPREAD: Final = 1e-18  # of a series that never changes
_RATES: Final = np.concatenate([np.array(RATES), -np.array(RATES)])


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks of hours as columns: number (hour // length), events, sum of values, expected rate."""

    number: NDArray[np.int64]
    events: NDArray[np.float64]
    total: NDArray[np.float64]
    expected: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Whitening:
    """How a block becomes a residual that does not know of the ones before.

    ``dispersion`` (D) and ``wander`` (τ_b) give the spread √(D·m(1-m)/n + τ_b²) of a block's mean; ``memory`` (a) and
    ``pull`` (b) take out what the past foretells; ``inflation`` (V) is how much more sums over a day vary than those
    of independent residuals would; ``spread`` is the residuals' standard deviation.
    """

    dispersion: float
    wander: float
    memory: float
    pull: float
    inflation: float
    spread: float

    def standardised(self, events: float, total: float, expected: float) -> float:
        """A block's distance from its expectation, in its own standard deviations."""
        return (total / events - expected) / self.deviation(events, expected)

    def deviation(self, events: float, expected: float) -> float:
        """The standard deviation of a block's mean."""
        return sqrt(self.dispersion * expected * (1 - expected) / events + self.wander**2)


def block_length(hits_per_hour: float) -> int:
    """The shortest block in which ten hits are expected, 24 hours at most."""
    return next((length for length in LENGTHS if length * hits_per_hour >= _EXPECTED_HITS), DAY)


def blocks(data: Hours, expected: NDArray[np.float64], length: int) -> Blocks:
    """Hours put together; the expected rate is weighted by events."""
    number, place = np.unique(data.hour // length, return_inverse=True)
    events, total, due = (
        np.bincount(place, w).astype(float) for w in (data.events, data.total, data.events * expected)
    )
    return Blocks(number, events, total, due / events)


@dataclass(frozen=True, slots=True)
class Fit:
    """The whitening of a reference and its residuals, in order of time."""

    whitening: Whitening
    residuals: NDArray[np.float64]


def fit_whitening(found: Blocks, length: int) -> Fit:
    """Spread by weighted least squares, memory and pull by least squares, inflation from sums within a day."""
    dispersion, stray = _spread(found)
    deviation = np.sqrt(dispersion * found.expected * (1 - found.expected) / found.events + stray)
    z = (found.total / found.events - found.expected) / deviation
    memory, pull, best = _MEMORIES[0], 0.0, float(z @ z)
    for a in _MEMORIES:
        past = _past(z, a)
        b = float(np.clip(past @ z / max(float(past @ past), 1e-12), 0.0, 1.0))
        left = float(((z - b * past) ** 2).sum())
        if left < best:
            memory, pull, best = a, b, left
    residuals = z - pull * _past(z, memory)
    spread = max(float(residuals.std()), 1e-6)
    return Fit(Whitening(dispersion, sqrt(stray), memory, pull, _inflation(residuals, length), spread), residuals)


def _past(z: NDArray[np.float64], memory: float) -> NDArray[np.float64]:
    """For each residual, the exponentially weighted mean of the ones before."""
    from scipy.signal import lfilter  # noqa: PLC0415 - most of a second, and wanted only once a series has learnt

    return np.concatenate([[0.0], np.asarray(lfilter([1 - memory], [1.0, -memory], z))[:-1]])


def _spread(found: Blocks) -> tuple[float, float]:
    """D and τ_b² that explain the squared residuals, by least squares weighted with the spread itself (two rounds)."""
    binomial = found.expected * (1 - found.expected) / found.events
    squares = (found.total / found.events - found.expected) ** 2
    dispersion, stray = max(float((squares / binomial).mean()), 1e-6), 0.0
    for _ in range(2):
        weight = 1 / np.maximum(dispersion * binomial + stray, _NO_SPREAD)
        design = np.column_stack([binomial * weight, weight])
        solved = np.linalg.lstsq(design, squares * weight, rcond=None)[0]
        dispersion, stray = float(solved[0]), float(solved[1])
        if stray <= 0:
            dispersion, stray = float((squares / binomial).mean()), 0.0
        elif dispersion <= 0:
            dispersion, stray = 1e-6, float(squares.mean())
    return max(dispersion, 1e-6), stray


def _inflation(residuals: NDArray[np.float64], length: int) -> float:
    """max(1, Var(sum of w) / (w·Var)) over w blocks that fit into a day."""
    variance, worst = float(residuals.var()), 1.0
    sums = np.concatenate([[0.0], np.cumsum(residuals)])
    for width in LENGTHS[1:]:
        if width * length <= DAY and len(residuals) > 2 * width and variance > 0:
            worst = max(worst, float((sums[width:] - sums[:-width]).var()) / (width * variance))
    return worst


def rank_score(residual: float, others: tuple[float, ...], luck: float) -> float:
    """The residual's place among ``others`` (sorted) as a normal quantile; ``luck`` in (0, 1) breaks ties.

    Among *all* before it the randomised rank of an exchangeable newcomer is uniform whatever the ranks of those were
    (conformal p-values: Vovk, Gammerman and Shafer 2005), so nothing has to pay for the error of the reference.
    """
    below, upto = bisect_left(others, residual), bisect_right(others, residual)
    return float(ndtri((below + luck * (upto - below + 1)) / (len(others) + 1)))


def log_bets(score: float) -> NDArray[np.float64]:
    """The logs of a block's bets, up and then down: ±λg - λ²/2.

    A Gaussian bet on the score, of mean 1 where that is normal, and less where inflation has made it smaller.
    """
    return np.asarray(_RATES * score - _RATES**2 / 2)
