"""Which of two arms has more of something, asked at any time; and whether the arms got their share of traffic."""

from math import exp, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitors.intervals import CONFIDENCE, Interval
from monitors.sequences.asymptotic import Moments, extend, limits

MISMATCH: Final = 1000.0
"""The evidence at which a sample ratio is wrong: at most one true ratio in a thousand ever gets there."""
_PRIOR: Final = 1000.0


def compared(state: Moments, means: NDArray[np.float64], second: NDArray[np.bool_], share: float) -> Moments:
    """Take conversations in: the mean of each, whether it is in the second arm, and that arm's share of conversations.

    Each counts as mean/share in the second arm and -mean/(1-share) in the first (inverse-probability weights), so the
    mean of these is the difference of the arms. Events taken singly would find false winners in 28 to 47%.
    """
    return extend(state, np.where(second, means / share, -means / (1 - share)))


def difference(state: Moments, sharpest: int, confidence: float = CONFIDENCE) -> Interval:
    """Second arm less first, valid at every look: the asymptotic confidence sequence of ``sequences.asymptotic``."""
    return limits(state, sharpest, confidence)


def ratio_evidence(second: NDArray[np.bool_], share: float) -> float:
    """Evidence that the arms do not get their shares, after all these conversations in order; wrong from ``MISMATCH``.

    Π p̂/p with p̂ = (1000·p + count so far)/(1000 + all so far): a martingale while the ratio is right, so it may be
    looked at all the time (Lindon and Malek 2022).
    """
    time = np.arange(len(second))
    before = np.concatenate([[0.0], np.cumsum(second)[:-1]]) if len(second) else np.array([])
    chance = (_PRIOR * share + before) / (_PRIOR + time)
    logs = np.where(second, np.log(chance / share), np.log((1 - chance) / (1 - share)))
    return exp(min(log(1e300), float(logs.sum())))
