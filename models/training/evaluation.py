"""Figures of a head on labelled texts: ranking, recall, false alarms, quantiles."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.995, 0.999)


def text_scores(window_scores: Floats, counts: NDArray[np.int64]) -> Floats:
    """The maximum over each text's windows: ``(windows, labels)`` to ``(texts, labels)``; every text has a window."""
    return np.maximum.reduceat(window_scores, np.cumsum(counts) - counts, axis=0)


def area_under_curve(scores: Floats, truth: NDArray[np.bool_]) -> float:
    """The chance that a positive scores above a negative, ties counted half (Mann-Whitney); NaN without both."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return float("nan")
    values, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(count) - (count - 1) / 2  # mean rank of each distinct score, from 1
    total = float(ranks[place][truth].sum())
    return (total - positives * (positives + 1) / 2) / (positives * negatives) if len(values) else float("nan")


def share_above(scores: Floats, threshold: float) -> float:
    """The share of scores at or above the threshold; NaN when there are none."""
    return float((scores >= threshold).mean()) if len(scores) else float("nan")


def benign_quantiles(scores: Floats) -> dict[str, float]:
    """Scores below which the given shares of benign texts stay."""
    return {f"{share:g}": round(float(np.quantile(scores, share)), 4) for share in QUANTILES}


def shares_by_group(scores: Floats, groups: Sequence[str], threshold: float) -> dict[str, dict[str, float]]:
    """By group: how many texts, and the share at or above the threshold."""
    names = np.array(groups)
    return {
        str(name): {
            "texts": int((names == name).sum()),
            "share": round(share_above(scores[names == name], threshold), 3),
        }
        for name in np.unique(names)
    }
