"""Intervals for a share: how far the truth may be from what a sample shows."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

from scipy.special import betaincinv, ndtri

CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """From ``low`` to ``high``, both included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; ``value`` is None where the sample says nothing."""

    value: float | None
    interval: Interval


ANYTHING: Final = Interval(0.0, 1.0)
UNKNOWN: Final = Estimate(None, ANYTHING)


def normal_quantile(confidence: float) -> float:
    """How many standard deviations on both sides hold a share ``confidence`` of a normal distribution."""
    return float(ndtri(0.5 + confidence / 2))


def clopper_pearson(hits: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """The exact binomial interval: it holds the true share at least as often as it says, whatever the share.

    Clopper and Pearson (1934), by quantiles of the beta distribution. Without trials it is [0, 1].
    """
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, trials - hits + 1, tail))
    high = 1.0 if hits == trials else float(betaincinv(hits + 1, trials - hits, 1 - tail))
    return Interval(low, high)


def wilson(hits: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """The score interval: narrower than the exact one and right on average, a little short for single shares.

    Wilson (1927). Without trials it is [0, 1].
    """
    return wilson_of(hits / trials, trials, confidence) if trials else ANYTHING


def wilson_of(share: float, size: float, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's interval around a share that ``size`` (above 0, an effective one too) independent trials would tell."""
    z = normal_quantile(confidence)
    centre = (share + z * z / (2 * size)) / (1 + z * z / size)
    reach = z / (1 + z * z / size) * sqrt(share * (1 - share) / size + z * z / (4 * size * size))
    low = 0.0 if share == 0 else max(0.0, centre - reach)
    return Interval(low, 1.0 if share == 1 else min(1.0, centre + reach))


def share(hits: int, trials: int, confidence: float = CONFIDENCE) -> Estimate:
    """A share with its exact interval."""
    return Estimate(hits / trials if trials else None, clopper_pearson(hits, trials, confidence))
