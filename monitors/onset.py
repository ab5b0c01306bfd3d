"""When a change began: the likeliest block, and a set of blocks that holds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LEVEL: Final = 0.9


@dataclass(frozen=True, slots=True)
class Onset:
    """``likeliest`` and the set ``among``, as places in the residuals, in order."""

    likeliest: int
    among: tuple[int, ...]

    @property
    def earliest(self) -> int:
        """The first of the set."""
        return self.among[0]

    @property
    def latest(self) -> int:
        """The last of the set."""
        return self.among[-1]


def onset(residuals: Sequence[float] | NDArray[np.float64], *, up: bool, level: float = _LEVEL) -> Onset | None:
    """Since when whitened residuals (mean 0, spread 1 before) have been higher, or lower where not ``up``.

    Log-likelihood of a shift of unknown size from block b on: S_b²/(2 n_b) with S_b the sum of what follows, counted
    only in the alarm's direction (Page 1954, Hinkley 1970); the set holds ``level`` of the weights exp(it - ½ log n_b),
    which integrate a flat prior of the size out (Smith 1975). Simulated cover is in docs/statistics.md. None without
    a residual in that direction.
    """
    values = np.asarray(residuals, float) * (1 if up else -1)
    after = np.cumsum(values[::-1])[::-1]
    count = np.arange(len(values), 0, -1)
    likelihood = np.where(after > 0, after**2 / (2 * count), -np.inf)
    if not len(values) or not np.isfinite(likelihood).any():
        return None
    score = likelihood - 0.5 * np.log(count)
    weight = np.exp(score - score.max())
    order = np.argsort(-weight, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    kept = order[: int(np.searchsorted(share, level)) + 1]
    return Onset(int(np.argmax(likelihood)), tuple(sorted(kept.tolist())))
