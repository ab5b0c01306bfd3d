"""How often the alarm pages on clean streams, and how soon on shifted ones."""

from dataclasses import dataclass

import numpy as np

from monitors.alarms.series import Baseline, Watch, begin, learn, step
from tests.simulations.traffic import LIVE_HOURS, REFERENCE_HOURS, Truth, bins, conversations, step_shift

ONSET = REFERENCE_HOURS + 10 * 24
FOUND_WITHIN = 30 * 24


@dataclass(frozen=True)
class Run:
    """The live hours of a stream at which a series paged, and for how many it was watched."""

    pages: tuple[int, ...]
    hours: int


def watched(stream, threshold: float, name: str, reference: int = REFERENCE_HOURS) -> Watch:
    baseline = learn(stream[:reference])
    assert isinstance(baseline, Baseline), baseline
    return begin(name, baseline, threshold, reference - 1)


def clean_run(truth: Truth, threshold: float, seed: int, live: int = LIVE_HOURS, *, until_first: bool = False) -> Run:
    """One clean stream after its reference."""
    hours = REFERENCE_HOURS + live
    stream = bins(conversations(truth, hours, np.random.default_rng([seed, 1])), hours)
    watch, pages = watched(stream, threshold, f"clean-{seed}"), []
    for found in stream[REFERENCE_HOURS:]:
        watch, page = step(watch, found)
        if page:
            pages.append(found.hour - REFERENCE_HOURS + 1)
            if until_first:
                return Run(tuple(pages), pages[0])
    return Run(tuple(pages), live)


def delay(truth: Truth, threshold: float, seed: int, size: float, ramp: int = 0) -> float:
    """Hours from a shift to the page that follows it, infinite if none comes within 30 days.

    Ten clean days lie between reference and shift; a page in them counts as found in 0 hours with none.
    """
    hours = ONSET + FOUND_WITHIN
    rows = conversations(truth, hours, np.random.default_rng([seed, 2]), step_shift(hours, ONSET, size, ramp))
    stream = bins(rows, hours)
    watch = watched(stream, threshold, f"shifted-{seed}")
    for found in stream[REFERENCE_HOURS:]:
        watch, page = step(watch, found)
        if page and found.hour >= ONSET:
            return found.hour - ONSET + 1.0
    return float("inf")
