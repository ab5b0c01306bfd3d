"""Hours from a shift to the page, for Weir and for rivals whose thresholds an oracle tuned on the same truth."""

from functools import partial

import numpy as np

from monitors.alarms.evidence import threshold
from tests.simulations.alarms import FOUND_WITHIN, ONSET
from tests.simulations.null import many
from tests.simulations.paths import pages, scored
from tests.simulations.rivals import ADWIN_DELTAS, CUSTOMARY, STATISTICS, adwin, hourly
from tests.simulations.traffic import LIVE_HOURS, REFERENCE_HOURS, Truth, conversations, step_shift

SHIFTS = {"+1 pp": (0.01, 0), "+2 pp": (0.02, 0), "+5 pp": (0.05, 0), "+2 pp over 14 d": (0.02, 14 * 24)}
BUDGET = threshold(1, 1 / 50)
OURS = "F + S"
_TRUTH = Truth()


def calm(seed: int) -> dict:
    """One clean stream: what each statistic reaches, how often each method pages at its customary setting."""
    hours = REFERENCE_HOURS + LIVE_HOURS
    rows = conversations(_TRUTH, hours, np.random.default_rng([seed, 3]))
    data = hourly(rows, hours)
    highest, customary = {}, {}
    for name, statistic in STATISTICS.items():
        live = statistic(data)[REFERENCE_HOURS:]
        highest[name] = float(live.max())
        customary[name] = _episodes(live > CUSTOMARY[name])
    return {"highest": highest, "customary": customary, "ours": pages(scored(rows, hours, f"stream-{seed}"), BUDGET),
            "adwin": [len(adwin(rows, data, delta)) for delta in ADWIN_DELTAS]}  # fmt: skip


def _episodes(over: np.ndarray) -> int:
    """Pages: the first hour over the threshold, then none for a day."""
    count, quiet = 0, 0
    for place in np.flatnonzero(over):
        if place >= quiet:
            count, quiet = count + 1, place + 24
    return count


def shifted(seed: int, size: float, ramp: int, thresholds: dict[str, float], delta: float) -> dict[str, float]:
    """One shifted stream: hours to the page of each method, infinite if there is none within 30 days."""
    hours = ONSET + FOUND_WITHIN
    rows = conversations(_TRUTH, hours, np.random.default_rng([seed, 4]), step_shift(hours, ONSET, size, ramp))
    data = hourly(rows, hours)
    found = {name: np.flatnonzero(statistic(data)[ONSET:] > thresholds[name]) for name, statistic in STATISTICS.items()}
    delays = {name: float(places[0] + 1) if len(places) else np.inf for name, places in found.items()}
    dropped = [hour for hour in adwin(rows, data, delta) if hour >= ONSET]
    delays["ADWIN, conversations"] = dropped[0] - ONSET + 1.0 if dropped else np.inf
    ours = pages(scored(rows, hours, f"stream-{seed}"), BUDGET, ONSET - REFERENCE_HOURS, 1)
    return delays | {OURS: ours[0] + REFERENCE_HOURS - ONSET + 1.0 if ours else np.inf}


def compared(clean: int = 200, streams: int = 40, processes: int = 2) -> dict:
    """Two tables: rivals tuned to the budget of one page in 90 days over 50 series, and to the pages that Weir made."""
    calms = many(calm, clean, processes)
    ours = sum(len(each["ours"]) for each in calms)
    customary = {name: sum(c["customary"][name] for c in calms) * 50 / clean for name in STATISTICS}
    customary["ADWIN, conversations"] = sum(each["adwin"][0] for each in calms) * 50 / clean
    return {
        "customary": customary,
        "ours": ours * 50 / clean,
        "at_budget": table(calms, clean // 50, streams, processes),
        "at_equal_pages": table(calms, ours, streams, processes),
    }


def table(calms: list[dict], allowed: int, streams: int, processes: int) -> dict:
    """Thresholds at which each rival pages ``allowed`` times on the clean streams, and the delays that come of them."""
    thresholds = {}
    for name in calms[0]["highest"]:
        reached = sorted((each["highest"][name] for each in calms), reverse=True)
        thresholds[name] = (reached[allowed - 1] + reached[allowed]) / 2 if allowed else reached[0]
    counts = np.sum([each["adwin"] for each in calms], axis=0)
    fit = next((place for place, count in enumerate(counts) if count <= allowed), len(counts) - 1)
    delays = {}
    for label, (size, ramp) in SHIFTS.items():
        one = partial(shifted, size=size, ramp=ramp, thresholds=thresholds, delta=ADWIN_DELTAS[fit])
        runs = many(one, streams, processes)
        delays[label] = {
            name: {"median": float(np.median([run[name] for run in runs])),
                   "found": float(np.mean([np.isfinite(run[name]) for run in runs]))}
            for name in runs[0]
        }  # fmt: skip
    return {"thresholds": thresholds | {"ADWIN, conversations": ADWIN_DELTAS[fit]}, "delays": delays}
