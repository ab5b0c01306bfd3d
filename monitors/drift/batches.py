"""Two batches compared by the figures that people know: for information; pages come from ``monitors.alarms``.

Each distance is shown with its threshold for *these* sample sizes: what two samples of one distribution reach once in
twenty times. A fixed threshold (PSI .2) sleeps on large samples and cries wolf on small ones.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, kolmogi
from scipy.stats import wasserstein_distance

_LEVEL: Final = 0.05
_PERMUTATIONS: Final = 200


@dataclass(frozen=True, slots=True)
class Distance:
    """A distance, and what chance alone passes once in twenty times at these sizes."""

    name: str
    value: float
    threshold: float

    @property
    def beyond_chance(self) -> bool:
        """Whether the distance is more than chance does."""
        return self.value > self.threshold


def psi(reference: NDArray[np.int64], current: NDArray[np.int64]) -> Distance:
    """The population stability index Σ(q-p)ln(q/p) of counts by class, half a count added to each.

    Under no change it is chi-squared with k-1 degrees of freedom, times 1/n + 1/m (Yurdakul and Naranjo 2020).
    """
    one, two = _shares(reference), _shares(current)
    value = float(((two - one) * np.log(two / one)).sum())
    return Distance("PSI", value, _chi2(len(one)) * _scale(reference, current))


def jensen_shannon(reference: NDArray[np.int64], current: NDArray[np.int64]) -> Distance:
    """The Jensen-Shannon divergence of counts by class, in nats, at most ln 2.

    To second order an eighth of PSI, so its law under no change is an eighth of that one's (Lin 1991 for the bound).
    """
    one, two = _shares(reference), _shares(current)
    middle = (one + two) / 2
    value = float((one * np.log(one / middle) + two * np.log(two / middle)).sum() / 2)
    return Distance("Jensen-Shannon", value, _chi2(len(one)) * _scale(reference, current) / 8)


def kolmogorov_smirnov(reference: NDArray[np.float64], current: NDArray[np.float64]) -> Distance:
    """The largest distance of the two distribution functions; the asymptotic threshold, cautious with ties."""
    both = np.concatenate([reference, current])
    below = [np.searchsorted(np.sort(each), both, "right") / len(each) for each in (reference, current)]
    scale = np.sqrt(1 / len(reference) + 1 / len(current))
    return Distance("Kolmogorov-Smirnov", float(np.abs(below[0] - below[1]).max()), float(kolmogi(_LEVEL) * scale))


def wasserstein(reference: NDArray[np.float64], current: NDArray[np.float64], seed: int = 0) -> Distance:
    """How far the mass has to move, in the unit of the values; the threshold is that of 200 random relabellings.

    Exact at its level for exchangeable values (permutation test: Fisher 1935, Pitman 1937).
    """
    both, source = np.concatenate([reference, current]), np.random.default_rng(seed)
    drawn = []
    for _ in range(_PERMUTATIONS - 1):
        mixed = source.permutation(both)
        drawn.append(wasserstein_distance(mixed[: len(reference)], mixed[len(reference) :]))
    place = int(np.ceil(_PERMUTATIONS * (1 - _LEVEL))) - 1
    return Distance("Wasserstein", float(wasserstein_distance(reference, current)), float(np.sort(drawn)[place]))


def _shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray((counts + 0.5) / (counts.sum() + 0.5 * len(counts)))


def _scale(reference: NDArray[np.int64], current: NDArray[np.int64]) -> float:
    return 1 / max(int(reference.sum()), 1) + 1 / max(int(current.sum()), 1)


def _chi2(classes: int) -> float:
    return float(chdtri(max(classes - 1, 1), _LEVEL))
