"""How well scores tell two kinds apart: curves, areas under them, recall at a false-positive rate.

``bad`` holds the scores of what is to be found, ``good`` those of the rest. High means bad everywhere here; whoever
has scores that mean the opposite turns them round first (``1 - score``). All intervals take the texts for a random
sample of the traffic that they speak of.
"""

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr
from scipy.stats import rankdata

from monitors.intervals import CONFIDENCE, UNKNOWN, Estimate, Interval, clopper_pearson, normal_quantile

Scores: TypeAlias = NDArray[np.float64]
RESAMPLES: Final = 400
_BISECTIONS: Final = 60


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a curve, in order of falling threshold; ``x`` and ``y`` are shares."""

    x: Scores
    y: Scores


def _counts(bad: Scores, good: Scores) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many of each kind score at least as high as each distinct score, highest first."""
    distinct = np.unique(np.concatenate([bad, good]))[::-1]
    reached = [len(kind) - np.searchsorted(np.sort(kind), distinct).astype(np.int64) for kind in (bad, good)]
    return reached[0], reached[1]


def roc_curve(bad: Scores, good: Scores) -> Curve:
    """False-positive rate against recall, from (0, 0) to (1, 1). Both kinds are needed."""
    found, wrong = _counts(bad, good)
    return Curve(np.r_[0.0, wrong / len(good)], np.r_[0.0, found / len(bad)])


def precision_recall_curve(bad: Scores, good: Scores) -> Curve:
    """Recall against precision. Both kinds are needed."""
    found, wrong = _counts(bad, good)
    return Curve(found / len(bad), found / (found + wrong))


def area_under_roc(bad: Scores, good: Scores, confidence: float = CONFIDENCE) -> Estimate:
    """The chance that something bad scores above something good, ties counted half.

    The interval is DeLong's (1988, by ranks: Sun and Xu 2014) on the logit scale, which keeps it inside [0, 1]; where
    its variance is 0, Newcombe's (2006, method 5), which does not collapse when everything is told apart.
    """
    m, n = len(bad), len(good)
    if not m or not n:
        return UNKNOWN
    ranks = rankdata(np.concatenate([bad, good]))
    above = (ranks[:m] - rankdata(bad)) / n  # by bad score: the share of good ones below it
    below = 1 - (ranks[m:] - rankdata(good)) / m
    area = float(above.mean())
    spread = float(above.var(ddof=1) / m + below.var(ddof=1) / n) if min(m, n) > 1 else 0.0
    if spread <= 0 or not 0 < area < 1:
        return Estimate(area, _newcombe(area, m, n, confidence))
    reach = normal_quantile(confidence) * sqrt(spread) / (area * (1 - area))
    centre = log(area / (1 - area))
    return Estimate(area, Interval(1 / (1 + exp(reach - centre)), 1 / (1 + exp(-reach - centre))))


def _newcombe(area: float, m: int, n: int, confidence: float) -> Interval:
    """The areas whose own standard error reaches the one that was seen."""
    z, mean_size = normal_quantile(confidence), (m + n) / 2

    def reaches(true: float) -> bool:
        rest = (mean_size - 1) * ((1 - true) / (2 - true) + true / (1 + true))
        return abs(area - true) <= z * sqrt(max(0.0, true * (1 - true) * (1 + rest) / (m * n)))

    bounds = []
    for end in (0.0, 1.0):
        inside, outside = area, end
        for _ in range(_BISECTIONS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if reaches(middle) else (inside, middle)
        bounds.append(inside)
    return Interval(*bounds)


def average_precision(bad: Scores, good: Scores, confidence: float = CONFIDENCE, seed: int = 0) -> Estimate:
    """The mean of precision over recall, in steps; it depends on how rare the bad ones are in the sample.

    The interval is a bootstrap's (percentiles of ``RESAMPLES`` samples of each kind, drawn with ``seed``), widened to
    the exact interval of a share where every sample says the same.
    """
    if not len(bad) or not len(good):
        return UNKNOWN
    distinct = np.unique(np.concatenate([bad, good]))[::-1]
    kinds = [np.searchsorted(-distinct, -kind) for kind in (bad, good)]
    whole = _mean_precision(*(np.bincount(places, minlength=len(distinct)) for places in kinds))
    source = np.random.default_rng(seed)
    drawn = np.array(
        [
            _mean_precision(*(np.bincount(source.choice(p, len(p)), minlength=len(distinct)) for p in kinds))
            for _ in range(RESAMPLES)
        ]
    )
    tail = (1 - confidence) / 2
    low, high = (float(value) for value in np.quantile(drawn, [tail, 1 - tail]))
    if low == high:
        low = min(low, clopper_pearson(len(bad), len(bad), confidence).low)
    return Estimate(whole, Interval(min(low, whole), max(high, whole)))


def _mean_precision(bad: NDArray[np.int64], good: NDArray[np.int64]) -> float:
    found, all_ = np.cumsum(bad), np.cumsum(bad + good)
    return float((bad * found / np.maximum(all_, 1)).sum() / bad.sum())


def recall_at(bad: Scores, good: Scores, rate: float, confidence: float = CONFIDENCE) -> Estimate:
    """The recall at the threshold that a share ``rate`` of the good ones reaches.

    The value is at the lowest threshold that at most this share of ``good`` reaches. The interval is of the recall at
    the threshold of the *true* rate, so it covers that the threshold was estimated, from the same good texts: bounds
    for the threshold by order statistics, exact intervals for the recall at both, half of the error for each
    (Bonferroni). It holds whatever the distributions, and is wide with few good texts: with fewer than some 370 for
    1% nothing bounds the threshold above, and the interval starts at 0.
    """
    if not len(bad) or not len(good):
        return UNKNOWN
    falling, half = np.sort(good)[::-1], (1 + confidence) / 2
    allowed = int(np.floor(rate * len(good) + 1e-9))
    value = float((bad > falling[allowed]).mean()) if allowed < len(good) else 1.0
    strict, lax = _bounds_of_quantile(len(good), rate, half)
    low = 0.0
    if strict is not None:
        low = clopper_pearson(int((bad > falling[strict]).sum()), len(bad), half).low
    high = 1.0
    if lax is not None:
        high = clopper_pearson(int((bad > falling[lax]).sum()), len(bad), half).high
    return Estimate(value, Interval(min(low, value), max(high, value)))


def _bounds_of_quantile(count: int, rate: float, confidence: float) -> tuple[int | None, int | None]:
    """Places in the falling order of ``count`` scores between which the score of the true ``rate`` lies.

    The number of scores above it is binomial (``count``, ``rate``): each side leaves half of the error.
    """
    tail = (1 - confidence) / 2
    places = np.arange(count)
    below = bdtr(places.astype(float), count, rate)  # P(at most so many lie above)
    strict = np.flatnonzero(below <= tail)
    lax = np.flatnonzero(1 - bdtr(places - 1.0, count, rate) <= tail) if count > 1 else np.array([], int)
    lax = lax[lax > 0]
    return (int(strict[-1]) if len(strict) else None, int(lax[0]) if len(lax) else None)
