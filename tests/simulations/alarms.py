"""How often the alarm pages on clean streams, and how soon on shifted ones."""

from dataclasses import dataclass

import numpy as np

from monitors.alarms.series import Baseline, Watch, begin, learn
from tests.simulations.paths import pages, scored
from tests.simulations.traffic import LIVE_HOURS, REFERENCE_HOURS, Truth, conversations, step_shift

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
    found = scored(conversations(truth, hours, np.random.default_rng([seed, 1])), hours, f"clean-{seed}")
    paged = tuple(hour + 1 for hour in pages(found, threshold, most=1 if until_first else live))
    return Run(paged, paged[0] if until_first and paged else live)


def delay(truth: Truth, threshold: float, seed: int, size: float, ramp: int = 0) -> float:
    """Hours from a shift to the page that follows it, infinite if none comes within 30 days.

    Ten clean days lie between reference and shift; a page in them only starts the evidence anew.
    """
    hours = ONSET + FOUND_WITHIN
    rows = conversations(truth, hours, np.random.default_rng([seed, 2]), step_shift(hours, ONSET, size, ramp))
    paged = pages(scored(rows, hours, f"shifted-{seed}"), threshold, ONSET - REFERENCE_HOURS, 1)
    return paged[0] + REFERENCE_HOURS - ONSET + 1.0 if paged else float("inf")
