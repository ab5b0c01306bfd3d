"""Thresholds from labelled scores: for a promised false-positive rate, or for the least cost.

High scores are bad, and a text is flagged when it reaches the threshold. Both ways take the texts for a random sample
of the traffic that the threshold is for.
"""

from dataclasses import dataclass
from math import ceil, log
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from monitors.intervals import CONFIDENCE, Estimate, Interval, share

Scores: TypeAlias = NDArray[np.float64]
STEP: Final = 1e-6
"""Scores have six decimals: the least difference of two of them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A threshold and what it does: ``rate`` is that of false positives, ``recall`` of what is found."""

    threshold: float
    rate: Estimate
    recall: Estimate


@dataclass(frozen=True, slots=True)
class TooFew:
    """The labels do not carry a promise: so many ``good`` (or ``bad``) texts are there, so many are needed."""

    kind: str
    count: int
    needed: int


def needed_for_rate(rate: float, confidence: float = CONFIDENCE) -> int:
    """How many good texts it takes at least to promise a false-positive rate: ln(1 - confidence) / ln(1 - rate)."""
    return ceil(log(1 - confidence) / log(1 - rate))


def threshold_for_rate(bad: Scores, good: Scores, rate: float, confidence: float = CONFIDENCE) -> Choice | TooFew:
    """The lowest threshold whose true false-positive rate is at most ``rate``, with ``confidence``.

    Over the draw of the good texts, the rate beyond their (j+1)-th highest score is beta-distributed (j+1, n-j), at
    most so with ties. The largest j with P(Binomial(n, rate) <= j) <= 1 - confidence keeps the promise, whatever the
    distribution: a one-sided tolerance limit (Wilks 1941), the calibration-conditional bound of split conformal
    prediction (Vovk 2012). That is the interval of the result's ``rate``. The bad texts have no part in the choice, so
    the interval of the recall is the exact one.
    """
    count = len(good)
    needed = needed_for_rate(rate, confidence)
    if count < needed:
        return TooFew("good", count, needed)
    held = np.flatnonzero(bdtr(np.arange(count, dtype=float), count, rate) <= 1 - confidence)
    threshold = round(float(np.sort(good)[::-1][held[-1]]) + STEP, 6)
    alarms = Estimate(float((good >= threshold).mean()), Interval(0.0, rate))
    return Choice(threshold, alarms, _reached(bad, threshold, confidence))


@dataclass(frozen=True, slots=True)
class Costs:
    """What a mistake costs: ``missed`` a bad text let through, ``false_alarm`` a good one flagged.

    ``bad_share`` is how much of the traffic is bad; that of the labels says nothing about it.
    """

    missed: float
    false_alarm: float
    bad_share: float


LEAST_FOR_COST: Final = 40
"""Of each kind: below, the halves that choose and measure are too small to mean anything."""


def threshold_for_cost(
    bad: Scores, good: Scores, costs: Costs, confidence: float = CONFIDENCE, seed: int = 0
) -> Choice | TooFew:
    """The threshold of least expected cost a text, chosen on a random half of each kind and measured on the other.

    So the intervals do not flatter. ``seed`` decides the halves.
    """
    for kind, scores in (("bad", bad), ("good", good)):
        if len(scores) < LEAST_FOR_COST:
            return TooFew(kind, len(scores), LEAST_FOR_COST)
    source = np.random.default_rng(seed)
    (bad_half, bad_rest), (good_half, good_rest) = (np.array_split(source.permutation(s), 2) for s in (bad, good))
    candidates = np.append(np.unique(np.concatenate([bad_half, good_half])), 1.0 + STEP)
    missed = np.searchsorted(np.sort(bad_half), candidates) / len(bad_half)
    alarms = 1 - np.searchsorted(np.sort(good_half), candidates) / len(good_half)
    cost = costs.bad_share * costs.missed * missed + (1 - costs.bad_share) * costs.false_alarm * alarms
    threshold = float(candidates[cost.argmin()])
    return Choice(threshold, _reached(good_rest, threshold, confidence), _reached(bad_rest, threshold, confidence))


def _reached(scores: Scores, threshold: float, confidence: float) -> Estimate:
    return share(int((scores >= threshold).sum()), len(scores), confidence)
