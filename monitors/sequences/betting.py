"""A confidence sequence for the mean of values in [0, 1], by betting against every candidate mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitors.intervals import CONFIDENCE, Interval

CELLS: Final = 300
_CHUNK: Final = 512


@dataclass(frozen=True, slots=True)
class Betting:
    """What has been seen, as numbers that JSON holds.

    ``up`` and ``down`` are the log-wealths of bets that the mean is above and below each candidate, ``alive`` whether
    the candidate is still possible. ``ceiling`` is the largest mean that there can be (see ``weighted``);
    ``population`` the number of values in all where they are drawn from a finite set without putting back.
    """

    confidence: float
    ceiling: float
    population: int | None
    count: int
    total: float
    squares: float
    up: tuple[float, ...]
    down: tuple[float, ...]
    alive: tuple[bool, ...]


def betting(confidence: float = CONFIDENCE, ceiling: float = 1.0, population: int | None = None) -> Betting:
    """Nothing seen yet."""
    zero, all_ = (0.0,) * (CELLS + 1), (True,) * (CELLS + 1)
    return Betting(confidence, ceiling, population, 0, 0.0, 0.0, zero, zero, all_)


@lru_cache(maxsize=64)
def _candidates(ceiling: float) -> NDArray[np.float64]:
    """Candidate means, ``ceiling``·sin²: the closer to an end, the denser, as a share's own uncertainty is."""
    return np.asarray(ceiling * np.sin(np.pi / 2 * np.arange(CELLS + 1) / CELLS) ** 2)


def extend(state: Betting, values: Sequence[float] | NDArray[np.float64]) -> Betting:
    """Take values in [0, 1] in, in their order; a thousand at a time cost less than one by one, and say the same.

    Waudby-Smith and Ramdas (2024), hedged capital with predictable plug-in bets λ = √(2 log(2/a)/(v t log(t+1))), at
    most ½/m up and ½/(1-m) down, a = 1 - confidence: a candidate is gone for good when half the wealth of either side
    reaches 1/a, which happens to the true mean with a probability of at most a, ever (Ville 1939). The values' mean
    given the past must be constant. Without putting back (section 5 there) bets are against the mean of what is left.
    """
    found = np.asarray(values, float)
    if found.size and not (found.min() >= 0 and found.max() <= 1):
        raise ValueError("values lie in [0, 1]")
    for start in range(0, len(found), _CHUNK):
        state = _extend(state, found[start : start + _CHUNK])
    return state


def _extend(state: Betting, found: NDArray[np.float64]) -> Betting:
    paths = log_wealth(state, found, _candidates(state.ceiling))
    up, down = paths.up + np.array(state.up), paths.down + np.array(state.down)
    worst = np.where(state.alive, np.maximum(up, down).max(axis=0), np.inf)
    alive = worst < max(limit(state), float(worst.min()) + 1e-9)  # one stays: the mean may lie between two candidates
    return Betting(
        state.confidence,
        state.ceiling,
        state.population,
        state.count + len(found),
        state.total + float(found.sum()),
        state.squares + _squares(state, found),
        tuple(up[-1].tolist()),
        tuple(down[-1].tolist()),
        tuple(alive.tolist()),
    )


@dataclass(frozen=True, slots=True)
class Paths:
    """Log-wealth after each value (rows) against each candidate (columns), of bets on a higher and a lower mean."""

    up: NDArray[np.float64]
    down: NDArray[np.float64]


def limit(state: Betting) -> float:
    """The log-wealth of either side at which a candidate is gone."""
    return log(2 / (1 - state.confidence))


def log_wealth(state: Betting, found: NDArray[np.float64], candidates: NDArray[np.float64]) -> Paths:
    """What bets on these values add to the log-wealth that the state has."""
    bets, means = _bets(state, found)[:, None], candidates[None, :]
    if state.population is not None:
        before = state.total + np.concatenate([[0.0], np.cumsum(found)[:-1]])
        left = state.population - state.count - np.arange(len(found))
        if left[-1] < 1:
            raise ValueError("more values than the population holds")
        means = (state.population * candidates - before[:, None]) / left[:, None]
    inside = np.clip(means, 1e-12, 1 - 1e-12)
    step = found[:, None] - inside
    up = np.cumsum(np.log1p(np.minimum(bets, 0.5 / inside) * step), axis=0)
    return Paths(up, np.cumsum(np.log1p(-np.minimum(bets, 0.5 / (1 - inside)) * step), axis=0))


def _running(state: Betting, found: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean after each value, with half a hit put in front."""
    return np.asarray((0.5 + state.total + np.cumsum(found)) / (state.count + np.arange(len(found)) + 2))


def _squares(state: Betting, found: NDArray[np.float64]) -> float:
    return float(((found - _running(state, found)) ** 2).sum())


def _bets(state: Betting, found: NDArray[np.float64]) -> NDArray[np.float64]:
    """λ of each value, from the values before it only."""
    time = state.count + np.arange(len(found)) + 1
    after = np.cumsum((found - _running(state, found)) ** 2)
    variance = (0.25 + state.squares + np.concatenate([[0.0], after[:-1]])) / time
    return np.asarray(np.sqrt(2 * log(2 / (1 - state.confidence)) / (variance * time * np.log(time + 1))))


def limits(state: Betting) -> Interval:
    """Where the mean is, now and for ever with ``confidence``: the candidates left, and a cell more on either side."""
    candidates = _candidates(state.ceiling)
    alive = np.flatnonzero(state.alive)
    low, high = float(candidates[max(0, alive[0] - 1)]), float(candidates[min(CELLS, alive[-1] + 1)])
    if state.population is None:
        return Interval(low, high)
    least, rest = state.total / state.population, 1 - state.count / state.population
    return Interval(min(max(low, least), least + rest), max(least, min(high, least + rest)))


def weighted(least: float, confidence: float = CONFIDENCE) -> Betting:
    """Nothing seen yet of a share of *all* events when only some are sampled, none with a probability below ``least``.

    Feed it ``weights``, and read ``share``.
    """
    return betting(confidence, ceiling=least)


def weights(
    bad: NDArray[np.bool_], sampled: NDArray[np.bool_], probability: NDArray[np.float64], least: float
) -> NDArray[np.float64]:
    """Values for ``weighted``: S·y·π_min/π in [0, 1] of every event, 0 for the ones that were not sampled.

    Their mean is π_min times the share. Probabilities may change with the past. The asymptotic sequence is not for
    such data: docs/statistics.md shows what it misses.
    """
    return np.asarray(np.where(sampled, bad * least / probability, 0.0))


def share(state: Betting) -> Interval:
    """The limits of a share from a ``weighted`` state."""
    found = limits(state)
    return Interval(found.low / state.ceiling, min(1.0, found.high / state.ceiling))
