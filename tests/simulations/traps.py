"""What goes wrong without a part of the recipe: pages on clean streams, cover of the wrong sequence."""

from collections.abc import Callable
from dataclasses import replace
from math import sqrt

import numpy as np

from monitors.alarms import fast
from monitors.alarms.bins import Bin
from monitors.alarms.evidence import threshold
from monitors.alarms.profile import Profile
from monitors.alarms.series import Baseline, begin, learn, step
from monitors.sequences import asymptotic
from monitors.sequences.betting import limit, log_wealth, weighted, weights
from tests.simulations.traffic import LIVE_HOURS, REFERENCE_HOURS, Truth, bins, conversations

_BUDGET = threshold(1, 1 / 50)


def _events_alone(found: Bin) -> Bin:
    return replace(found, means=((0.0, found.events - int(found.total)), (1.0, int(found.total))))


def _no_season(base: Baseline) -> Baseline:
    return replace(base, profile=Profile(base.profile.level, (1.0,) * 24, (1.0,) * 7))


def _no_wander(base: Baseline) -> Baseline:
    """Only the standard errors of the level."""
    error = base.spread / sqrt(base.conversations * REFERENCE_HOURS)
    return replace(base, margin=fast.STANDARD_ERRORS * error)


TRAPS: dict[str, tuple[Callable[[Bin], Bin], Callable[[Baseline], Baseline]]] = {
    "as it is": (lambda found: found, lambda base: base),
    "without the season": (lambda found: found, _no_season),
    "without the wander in the margin": (lambda found: found, _no_wander),
    "bets on events, no wander in the margin": (_events_alone, _no_wander),
}


def pages(streams: int = 25) -> dict[str, float]:
    """Pages in 90 days over 50 series at a budget of one, wander .1, 10,000 events a day, 5%."""
    counts = dict.fromkeys(TRAPS, 0)
    for seed in range(streams):
        hours = REFERENCE_HOURS + LIVE_HOURS
        stream = bins(conversations(Truth(), hours, np.random.default_rng([seed, 6])), hours)
        base = learn(stream[:REFERENCE_HOURS])
        assert isinstance(base, Baseline)
        for name, (fed, changed) in TRAPS.items():
            watch = begin(f"trap-{seed}", changed(base), _BUDGET, REFERENCE_HOURS - 1)
            for found in stream[REFERENCE_HOURS:]:
                watch, page = step(watch, fed(found))
                counts[name] += page is not None
    return {name: count * 50 / streams for name, count in counts.items()}


def weighted_misses(streams: int = 300, length: int = 10_000, share: float = 0.05) -> dict[str, float]:
    """How often each sequence ever misses a share that is sampled at 2 to 100%, looked at every hundred events."""
    source, missed, least = np.random.default_rng(7), {"betting": 0, "asymptotic": 0}, 0.02
    looks = np.arange(100, length + 1, 100)
    for _ in range(streams):
        score = source.random(length)
        probability = np.clip(score**3, least, 1.0)
        bad, sampled = source.random(length) < 4 * share * score**3, source.random(length) < probability
        values = weights(bad, sampled, probability, least)
        state = weighted(least)
        paths = log_wealth(state, values, np.array([least * share]))
        missed["betting"] += max(paths.up.max(), paths.down.max()) >= limit(state)
        total, squares, hits = (np.cumsum(x)[looks - 1].tolist() for x in (values, values**2, values > 0))
        found = (
            asymptotic.limits(asymptotic.Moments(*row), 1000)
            for row in zip(looks.tolist(), total, squares, hits, strict=True)
        )
        missed["asymptotic"] += any(not i.low <= least * share <= i.high for i in found)
    return {name: count / streams for name, count in missed.items()}


def traps() -> dict:
    """All of it."""
    return {"pages": pages(), "weighted_misses": weighted_misses()}
