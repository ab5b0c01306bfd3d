"""Do scores mean what they say? Of the texts that score .8, four in five should be bad."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitors.intervals import CONFIDENCE, Estimate, share

BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Texts of similar scores: how many, their mean score, and the share of bad ones with its exact interval."""

    count: int
    mean_score: float
    bad: Estimate


@dataclass(frozen=True, slots=True)
class Reliability:
    """``error`` is the expected calibration error: the mean distance of score and share, weighted by texts."""

    bins: tuple[Bin, ...]
    error: float


def reliability(
    scores: NDArray[np.float64], bad: NDArray[np.bool_], bins: int = BINS, confidence: float = CONFIDENCE
) -> Reliability:
    """Bins of equal width over [0, 1], empty ones left out. The error is NaN without texts.

    It depends on how rare bad texts are in the sample: scores that fit half-and-half data are too high where one text
    in a thousand is bad.
    """
    places = np.minimum((scores * bins).astype(int), bins - 1)
    found = []
    for place in range(bins):
        inside = places == place
        count = int(inside.sum())
        if count:
            found.append(Bin(count, float(scores[inside].mean()), share(int(bad[inside].sum()), count, confidence)))
    distances = [b.count * abs(b.mean_score - (b.bad.value or 0.0)) for b in found]
    return Reliability(tuple(found), sum(distances) / len(scores) if len(scores) else float("nan"))
