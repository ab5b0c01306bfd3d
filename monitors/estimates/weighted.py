"""The share of something in traffic whose sampling probability varied from event to event."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitors.estimates.strata import Stratum, share_of_all
from monitors.intervals import CONFIDENCE, Estimate, Interval

_CLASSES_PER_OCTAVE: Final = 2


@dataclass(frozen=True, slots=True)
class Drawn:
    """Events with the probabilities that were stored with them, sampled or not.

    ``seen`` holds π of every event; ``sampled`` π of the reviewed ones, and ``bad`` whether each of these was so.
    """

    seen: NDArray[np.float64]
    sampled: NDArray[np.float64]
    bad: NDArray[np.bool_]


def horvitz_thompson(drawn: Drawn, confidence: float = CONFIDENCE) -> Estimate:
    """The share of bad events among all: Σ y/π / N, unbiased whatever the probabilities were (Horvitz, Thompson 1952).

    They may depend on the past and on the score, not on the label or the draw itself. Limits: events of like
    probability (within a factor of √2) make a stratum, whose share is Hájek's (1971) and whose size is Kish's
    effective one; then as ``share_of_all``, stretched to hold the value.
    """
    if not len(drawn.seen):
        return share_of_all([], confidence)
    places, sampled = _classes(drawn.seen), _classes(drawn.sampled)
    strata = []
    for place in np.unique(places):
        inside = sampled == place
        weights, count = 1 / drawn.sampled[inside], float((places == place).sum())
        size = min(count, float(weights.sum() ** 2 / (weights**2).sum())) if inside.any() else 0.0
        share = float(np.average(drawn.bad[inside], weights=weights)) if inside.any() else 0.0
        strata.append(Stratum(count, size, min(size, size * share)))
    limits = share_of_all(strata, confidence)
    if limits.value is None:
        return limits
    value = min(1.0, float((drawn.bad / drawn.sampled).sum()) / len(drawn.seen))
    return Estimate(value, Interval(min(value, limits.interval.low), max(value, limits.interval.high)))


def _classes(probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.ceil(_CLASSES_PER_OCTAVE * np.log2(probabilities) - 1e-9).astype(np.int64)
