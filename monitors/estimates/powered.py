"""Reviews helped by scores: what the classifier says of every event narrows what a few labels say of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitors.estimates.strata import Stratum, combined, share_of_all, stratum_limits
from monitors.intervals import CONFIDENCE, Estimate, wilson_of

_LEAST_BAD: Final = 10
_MOST_GAIN: Final = 0.2


@dataclass(frozen=True, slots=True)
class Scored:
    """A stratum of ``seen`` events whose mean score is ``mean_score``, with label and score of each reviewed one."""

    seen: int
    mean_score: float
    bad: NDArray[np.bool_]
    scores: NDArray[np.float64]


def powered_share(strata: Sequence[Scored], confidence: float = CONFIDENCE) -> Estimate:
    """The share of bad events among all, by prediction-powered inference in each stratum.

    PPI++ (Angelopoulos, Duchi and Zrnic 2023), in survey terms the difference estimator: θ = ȳ + λ·(mean score of all
    - that of the sample) with λ = max(0, cov(y, f)/var f), 0 where fewer than ten bad ones (or others) were read.
    Limits: Wilson's at θ with the size that the smaller variance is worth, at most five times the true one; then MOVER
    over strata. Scores that say nothing cost nothing; how much they gain is in docs/statistics.md. Where no stratum
    has enough it is ``share_of_all``.
    """
    plain = [Stratum(s.seen, len(s.bad), int(s.bad.sum())) for s in strata]
    slopes = [_slope(s) for s in strata]
    if not any(slopes):
        return share_of_all(plain, confidence)
    moved, limits = [], []
    for stratum, counts, slope in zip(strata, plain, slopes, strict=True):
        if not slope or counts.sampled == counts.seen:
            moved.append(counts)
            limits.append(stratum_limits(counts, confidence))
            continue
        residual = stratum.bad - slope * stratum.scores
        theta = float(residual.mean()) + slope * stratum.mean_score
        theta = min(1.0, max(0.0, theta))
        gain = float(np.clip(residual.var() / stratum.bad.var(), _MOST_GAIN, 1.0))
        size = counts.sampled / (1 - counts.sampled / counts.seen) / gain
        moved.append(Stratum(counts.seen, counts.sampled, theta * counts.sampled))
        limits.append(wilson_of(theta, size, confidence))
    return combined(moved, limits)


def _slope(stratum: Scored) -> float:
    bad = int(stratum.bad.sum())
    if min(bad, len(stratum.bad) - bad) < _LEAST_BAD:
        return 0.0
    covariance = np.cov(stratum.bad.astype(float), stratum.scores)
    return max(0.0, float(covariance[0, 1] / covariance[1, 1])) if covariance[1, 1] > 0 else 0.0
