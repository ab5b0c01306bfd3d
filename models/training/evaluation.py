"""Figures of a head on labelled texts: ranking, recall, false alarms, quantiles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BINS = 10
RESAMPLES = 200
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


@dataclass(frozen=True, slots=True)
class Span:
    """A figure and the 95% interval that resampling the texts gives."""

    value: float
    low: float
    high: float


def area_with_interval(scores: Floats, truth: NDArray[np.bool_], seed: int = 0) -> Span:
    """The area under the curve, texts resampled with replacement."""
    return _resampled(area_under_curve, scores, truth, seed)


def calibration_error(scores: Floats, truth: NDArray[np.bool_]) -> float:
    """The expected calibration error: the mean distance of score and observed share, by bins of like many texts."""
    return sum(abs(each.mean_score - each.share) * each.texts for each in reliability(scores, truth)) / len(scores)


def calibration_error_with_interval(scores: Floats, truth: NDArray[np.bool_], seed: int = 0) -> Span:
    """The expected calibration error, texts resampled with replacement; resampling raises it a little."""
    return _resampled(calibration_error, scores, truth, seed)


@dataclass(frozen=True, slots=True)
class Bin:
    """Texts of like score: how many, their mean score, and the share of them that is positive."""

    texts: int
    mean_score: float
    share: float


def reliability(scores: Floats, truth: NDArray[np.bool_]) -> list[Bin]:
    """Up to ten bins of like many texts, lowest scores first: calibrated scores have ``share`` near ``mean_score``."""
    order = np.argsort(scores, kind="stable")
    return [
        Bin(len(rows), round(float(scores[rows].mean()), 4), round(float(truth[rows].mean()), 4))
        for rows in np.array_split(order, BINS)
        if len(rows)
    ]


def _resampled(
    figure: Callable[[Floats, NDArray[np.bool_]], float], scores: Floats, truth: NDArray[np.bool_], seed: int
) -> Span:
    random = np.random.default_rng(seed)
    drawn = [figure(scores[rows], truth[rows]) for rows in random.integers(0, len(scores), (RESAMPLES, len(scores)))]
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return Span(round(figure(scores, truth), 4), round(float(low), 4), round(float(high), 4))


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
