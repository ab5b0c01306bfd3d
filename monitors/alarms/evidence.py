"""The e-SR detector: evidence that the series is not what it was.

For a bet with E[e | past] ≤ 1 while nothing has changed, M ← (u + M)·e has E[M_t] ≤ Σu. So pages at M ≥ c, each
followed by M = 0, number at most Σu/c in expectation, whatever depends on what (Shin, Ramdas and Rinaldo 2024,
e-detectors; Shiryaev 1963 and Roberts 1966 with likelihood ratios). With u in units of 90 days, the budget of pages
in 90 days is 1/c: it does not depend on how much traffic there is. A mean of such M over bets keeps the promise.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

BUDGET_HOURS: Final = 90 * 24
_CEILING: Final = 50.0
"""The largest log bet of a step: a smaller e keeps the promise, and no product overflows."""
_MOST: Final = 1e100


def grow(evidence: tuple[float, ...], log_bets: NDArray[np.float64], hours: float) -> tuple[float, ...]:
    """The evidence after bets on so many hours, their logs given; NaN is no bet, which leaves it as it was.

    Silence and bets that cannot be made must not add up to a page, and a smaller Σu keeps the promise.
    """
    before = np.array(evidence)
    grown = (hours / BUDGET_HOURS + before) * np.exp(np.minimum(log_bets, _CEILING))
    return tuple(np.where(np.isnan(log_bets), before, np.minimum(grown, _MOST)).tolist())


def threshold(pages: float, share: float = 1.0, lanes: int = 2) -> float:
    """The evidence at which a lane pages, for ``pages`` in 90 days over all series of an app.

    ``share`` is this series' part of the budget, 1/K with K series unless someone weights them; the shares of an app
    add up to 1. The lanes divide the part (union bound): equally here, and ``series.lanes`` weights the evidence by
    what each really has.
    """
    return lanes / (share * pages)
