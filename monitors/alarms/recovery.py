"""Whether a series that has paged is back: evidence against "at least half of the change is still there"."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from monitors.alarms.bins import Bin

BINS: Final = 168.0
"""While half of the change is still there, a series is taken for recovered after so many bins at the earliest, on
average: a week of hours."""
_CEILING: Final = 50.0
_MOST: Final = 1e100


@dataclass(frozen=True, slots=True)
class Recovery:
    """Evidence that a series is back; ``threshold`` is enough of it.

    ``half`` is half of the change that was seen, at the mean level; its sign is that of the change.
    """

    half: float
    threshold: float
    evidence: float = 1.0

    @property
    def proven(self) -> bool:
        """Whether it is back."""
        return self.evidence >= self.threshold


def recovering(state: Recovery, found: Bin, expected: float, level: float) -> Recovery:
    """The evidence after a bin. Once proven it stays.

    The bound b is the expected rate plus half of the change, scaled as the profile is. For x in [0, 1] with a mean
    beyond b, e = x·q/b + (1-x)(1-q)/(1-b) has a mean of at most 1 for q on this side of b, here q = the expected rate;
    M ← max(1, M)·e is Page's CUSUM as an e-detector (Shin, Ramdas and Rinaldo 2024): it stays below c for c bins on
    average.
    Conversations have to be independent given the hour, as in the fast lane. A bin without traffic says nothing.
    """
    if state.proven or not found.means:
        return state
    bound = expected + state.half * expected / level
    bound = min(max(bound, 1e-9), 1 - 1e-9)
    if (bound > expected) != (state.half > 0):  # the expected rate is at its own limit: there is nothing to bet on
        return state
    mean, count = np.array(found.means).T
    bets = mean * expected / bound + (1 - mean) * (1 - expected) / (1 - bound)
    log_bet = float(count @ np.log(np.maximum(bets, 1e-300)))
    grown = max(1.0, state.evidence) * float(np.exp(np.clip(log_bet, -_CEILING, _CEILING)))
    return Recovery(state.half, state.threshold, min(grown, _MOST))
