"""The fast lane: bets on the mean of each conversation. Its promise is proven."""

from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitors.alarms.bins import Bin

RATIOS: Final = (1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
BETS: Final = 2 * len(RATIOS)
STANDARD_ERRORS: Final = 3.0
WANDERS: Final = 4.0
_UP: Final = np.array(RATIOS)


def margin(spread: float, conversations: float) -> float:
    """How far a reference's level may be off: three standard errors of a conversation's mean.

    At least Wilson's upper limit when nothing was found in so many conversations: a quiet month is no zero.
    """
    return max(
        STANDARD_ERRORS * spread / sqrt(conversations), STANDARD_ERRORS**2 / (conversations + STANDARD_ERRORS**2)
    )


def log_bets(found: Bin, expected: float, margin: float) -> NDArray[np.float64]:
    """The logs of the hour's bets: up by each ratio, then down.

    For x in [0, 1] with a mean of at most b, e = x·q/b + (1-x)(1-q)/(1-b) has a mean of at most 1 for every q ≥ b
    (the betting of Waudby-Smith and Ramdas 2024), and so has the product over conversations that do not know of each
    other. b is the expected rate plus ``margin``, so the promise holds while the truth strays no further than that;
    likewise down. NaN, no bet: on an hour without conversations, and on a side whose b is outside (0, 1).
    """
    if not found.means:
        return np.full(BETS, np.nan)
    high, low = expected + margin, expected - margin
    bound = np.repeat([min(high, 1 - 1e-9), max(low, 1e-9)], len(RATIOS))
    target = np.concatenate([np.minimum(bound[0] * _UP, (1 + bound[0]) / 2), bound[-1] / _UP])
    mean, count = np.array(found.means).T
    bets = np.outer(mean, target / bound) + np.outer(1 - mean, (1 - target) / (1 - bound))
    logs = np.asarray(count @ np.log(np.maximum(bets, 1e-300)))
    logs[: len(RATIOS)] *= 1 if high < 1 else np.nan
    logs[len(RATIOS) :] *= 1 if low > 0 else np.nan
    return logs
