"""The share of something in traffic that was sampled at different rates by stratum."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from scipy.special import betaincinv

from monitors.intervals import ANYTHING, CONFIDENCE, UNKNOWN, Estimate, Interval

FEW: Final = 5
"""Fewer bad ones in a stratum than this (or fewer others), and its exact limits take over."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of the traffic: ``seen`` events, of which ``sampled`` were reviewed and ``bad`` found to be so.

    Within a stratum every event had the same chance of being reviewed. Sizes need not be whole: an effective sample
    size stands for a weighted sample.
    """

    seen: float
    sampled: float
    bad: float

    def __post_init__(self) -> None:
        if not 0 <= self.bad <= self.sampled <= self.seen:
            raise ValueError("a stratum has at most as many bad as sampled, and sampled as seen")

    @property
    def share(self) -> float:
        """The share of bad ones in the sample, 0 without a sample."""
        return self.bad / self.sampled if self.sampled else 0.0


def share_of_all(strata: Sequence[Stratum], confidence: float = CONFIDENCE) -> Estimate:
    """The share of bad events among all that were seen, and how far it may be off.

    Prevalence; over the flagged strata alone, precision; with ``bad`` read as "the verdict was right", accuracy. The
    post-stratified mean Σ w_h x_h/n_h with w_h = N_h/N; limits by the method of variance estimates recovery (MOVER:
    Zou and Donner 2008) from Jeffreys' limits of each stratum (Brown, Cai and DasGupta 2001), or Clopper and Pearson's
    where it has fewer than ``FEW``. Coverage is simulated in docs/statistics.md: normal limits of the
    Horvitz-Thompson estimate fail at low prevalence, since a rare bad event of a thinly sampled stratum is usually not
    in the sample. A stratum without any review has the limits [0, 1]; without any at all the value is unknown.
    """
    return combined(strata, [stratum_limits(stratum, confidence) for stratum in strata])


def stratum_limits(stratum: Stratum, confidence: float = CONFIDENCE) -> Interval:
    """Jeffreys' limits, or the exact ones where fewer than ``FEW`` were bad or were not."""
    few = min(stratum.bad, stratum.sampled - stratum.bad) < FEW
    return exact_limits(stratum, confidence) if few else jeffreys_limits(stratum, confidence)


def combined(strata: Sequence[Stratum], limits: Sequence[Interval]) -> Estimate:
    """MOVER: squared distances of each stratum's share from its limits add up, weighted."""
    seen = sum(stratum.seen for stratum in strata)
    if not seen:
        return UNKNOWN
    value = sum(stratum.seen / seen * stratum.share for stratum in strata)
    below = above = 0.0
    for stratum, limit in zip(strata, limits, strict=True):
        below += (stratum.seen / seen * (stratum.share - limit.low)) ** 2
        above += (stratum.seen / seen * (limit.high - stratum.share)) ** 2
    interval = Interval(max(0.0, value - sqrt(below)), min(1.0, value + sqrt(above)))
    return Estimate(value if any(stratum.sampled for stratum in strata) else None, interval)


def guaranteed(strata: Sequence[Stratum], confidence: float = CONFIDENCE) -> Interval:
    """Limits that hold at least as often as they say: exact ones of every stratum at once (Bonferroni).

    Wider than those of ``share_of_all``; for what has to stand up whatever the truth. Proven where a small part of each
    stratum is read; the correction for reading much of one is simulated (docs/statistics.md).
    """
    seen = sum(stratum.seen for stratum in strata)
    if not seen:
        return ANYTHING
    each = 1 - (1 - confidence) / len(strata)
    limits = [exact_limits(stratum, each) for stratum in strata]
    low, high = (sum(s.seen / seen * end for s, end in zip(strata, ends, strict=True)) for ends in
                 ([limit.low for limit in limits], [limit.high for limit in limits]))  # fmt: skip
    return Interval(low, min(1.0, high))


def jeffreys_limits(stratum: Stratum, confidence: float = CONFIDENCE) -> Interval:
    """Limits of the share of bad events in one stratum: quantiles of Beta(x'+½, n'-x'+½).

    0 where nothing bad was found, 1 where nothing else was.
    """
    return _limits(stratum, confidence, (0.5, 0.5))


def exact_limits(stratum: Stratum, confidence: float = CONFIDENCE) -> Interval:
    """Limits by Clopper and Pearson (1934): quantiles of Beta(x', n'-x'+1) and Beta(x'+1, n'-x')."""
    return _limits(stratum, confidence, (0.0, 1.0))


def _limits(stratum: Stratum, confidence: float, prior: tuple[float, float]) -> Interval:
    """Quantiles of Beta(x'+p, n'-x'+q), for the upper limit of Beta(x'+q, n'-x'+p).

    For a sample without replacement n' = n/(1-n/N) and x' = n'·x/n, so that a stratum read whole has no width.
    """
    if not stratum.sampled:
        return ANYTHING
    if stratum.sampled == stratum.seen:
        return Interval(stratum.share, stratum.share)
    size = stratum.sampled / (1 - stratum.sampled / stratum.seen)
    bad = size * stratum.share
    tail = (1 - confidence) / 2
    low = 0.0 if stratum.bad == 0 else float(betaincinv(bad + prior[0], size - bad + prior[1], tail))
    high = 1.0 if stratum.bad == stratum.sampled else float(betaincinv(bad + prior[1], size - bad + prior[0], 1 - tail))
    return Interval(low, high)
