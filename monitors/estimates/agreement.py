"""How far readers agree beyond chance."""

from collections.abc import Sequence
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitors.intervals import CONFIDENCE, Estimate, Interval, clopper_pearson, normal_quantile

_RESAMPLES: Final = 1000
_NONE: Final = Estimate(None, Interval(-1.0, 1.0))


def cohen(table: NDArray[np.int64], confidence: float = CONFIDENCE) -> Estimate:
    """Cohen's kappa of two readers; ``table[i, j]`` counts texts that one called i and the other j.

    The standard error is that of Fleiss, Cohen and Everitt (1969). Where nothing was disagreed on it is 0 and says
    nothing: then the limit is kappa at the exact upper limit of the disagreement. Unknown where both used one label.
    """
    count = int(table.sum())
    shares = table / max(count, 1)
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    chance, agreed = float(rows @ columns), float(np.trace(shares))
    if not count or chance >= 1:
        return _NONE
    kappa = (agreed - chance) / (1 - chance)
    if agreed == 1:
        return Estimate(1.0, Interval(1 - clopper_pearson(0, count, confidence).high / (1 - chance), 1.0))
    on = float((np.diag(shares) * (1 - (rows + columns) * (1 - kappa)) ** 2).sum())
    crossed = (columns[:, None] + rows[None, :]) ** 2
    off = (1 - kappa) ** 2 * float((shares * crossed).sum() - (np.diag(shares) * np.diag(crossed)).sum())
    variance = (on + off - (kappa - chance * (1 - kappa)) ** 2) / (count * (1 - chance) ** 2)
    reach = normal_quantile(confidence) * sqrt(max(0.0, variance))
    return Estimate(kappa, Interval(max(-1.0, kappa - reach), min(1.0, kappa + reach)))


def krippendorff(readings: Sequence[Sequence[str]], confidence: float = CONFIDENCE, seed: int = 0) -> Estimate:
    """Krippendorff's alpha for labels without order, any number of readers, readings missing: one list a text.

    1 - D_o/D_e (Krippendorff 2011). The interval resamples texts (percentiles of 1,000 samples drawn with ``seed``);
    where nothing was disagreed on, the limit is alpha at the exact upper limit of the share of disputed texts.
    """
    labels = sorted({label for text in readings for label in text})
    rows = np.array([[text.count(label) for label in labels] for text in map(list, readings) if len(text) > 1], float)
    if not rows.size:
        return _NONE
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    alpha = float(_alpha(kinds, counts[None, :])[0])
    if np.isnan(alpha):
        return _NONE
    if alpha == 1:
        shares = rows.sum(axis=0) / rows.sum()
        worst = clopper_pearson(0, len(rows), confidence).high / (1 - float(shares @ shares))
        return Estimate(1.0, Interval(max(-1.0, 1 - worst), 1.0))
    drawn = _alpha(kinds, np.random.default_rng(seed).multinomial(len(rows), counts / len(rows), _RESAMPLES))
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return Estimate(alpha, Interval(min(alpha, float(low)), max(alpha, float(high))))


def _alpha(kinds: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Alpha of samples (rows of ``counts``) of kinds of texts (readers by label); NaN where one label only was used."""
    readers = kinds.sum(axis=1)
    labels = counts @ kinds
    total = labels.sum(axis=1)
    expected = (total**2 - (labels**2).sum(axis=1)) / (total - 1)
    observed = counts @ ((readers**2 - (kinds**2).sum(axis=1)) / (readers - 1))
    return np.asarray(1 - observed / np.where(expected > 0, expected, np.nan))
