"""The promise: over clean years the pages stay within the budget, and runs to a false page are at least as long."""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from math import sqrt
from multiprocessing import Pool

import numpy as np
from scipy.stats import chi2

from monitors.alarms.app import NEVER, app_page
from monitors.alarms.evidence import threshold
from monitors.alarms.series import restarted, step
from tests.simulations.alarms import Run, clean_run, watched
from tests.simulations.traffic import REFERENCE_HOURS, Truth, bins, conversations

SERIES = 50
BUDGET = 90 * 24
RATES = (0.005, 0.05, 0.3)
VOLUMES = (1_000, 10_000)


@dataclass(frozen=True)
class Clean:
    """``rate`` is the pages in 90 days over 50 series, ``upper`` its upper 95% bound; the budget is 1."""

    wander: float
    series: int
    days: float
    pages: int
    rate: float
    upper: float


def truth_of(seed: int, wander: float) -> Truth:
    """Series differ: each rate at each volume in turn."""
    return Truth(VOLUMES[seed % 2], RATES[seed // 2 % 3], wander)


def one(seed: int, wander: float, hours: int, level: float, first: bool) -> Run:
    return clean_run(truth_of(seed, wander), level, seed, hours, until_first=first)


def many(function: Callable[[int], object], count: int, processes: int = 2) -> list:
    with Pool(processes) as pool:
        return pool.map(function, range(count), chunksize=2)


def clean(wander: float, apps: int, days: int = 90, processes: int = 2) -> dict:
    """Apps of 50 clean series each, at a budget of one page in 90 days over all of them."""
    hours, level = days * 24, threshold(1, 1 / SERIES)
    runs = many(partial(one, wander=wander, hours=hours, level=level, first=False), SERIES * apps, processes)
    found = asdict(summed(wander, [len(run.pages) for run in runs], hours))
    sys.stdout.write(f"{found}\n")
    sys.stdout.flush()
    return found


def summed(wander: float, pages: list[int], hours: int) -> Clean:
    """Bounds: the larger of Poisson's exact one and the normal one over streams, which sees clusters of pages."""
    periods = len(pages) * hours / BUDGET / SERIES
    total, spread = sum(pages), float(np.std(pages, ddof=1)) * sqrt(len(pages))
    upper = max(float(chi2.ppf(0.95, 2 * (total + 1))) / 2, total + 1.645 * spread)
    return Clean(wander, len(pages), hours / 24, total, total / periods, upper / periods)


def runs_to_first(wander: float, count: int = 200, days: int = 360, processes: int = 2) -> dict:
    """Single series with a budget of one page in 90 days each: days to the first page, runs cut at ``days``."""
    runs = many(partial(one, wander=wander, hours=days * 24, level=threshold(1), first=True), count, processes)
    lengths = np.array([run.hours / 24 for run in runs])
    lower = lengths.mean() - 1.645 * lengths.std(ddof=1) / sqrt(count)
    return {"wander": wander, "runs": count, "paged": sum(bool(run.pages) for run in runs), "cut_at": days,
            "mean": float(lengths.mean()), "lower": float(lower), "lengths": sorted(lengths.tolist())}  # fmt: skip


def app_run(seed: int, series: int, days: int, wander: float) -> int:
    """Pages of one app's mean alarm over clean series at a budget of one page in 90 days."""
    hours = REFERENCE_HOURS + days * 24
    live, watches = {}, {}
    for number in range(series):
        truth, source = truth_of(number, wander), np.random.default_rng([seed, number, 8])
        name = f"{seed}-{number}"
        stream = bins(conversations(truth, hours, source), hours)
        live[name], watches[name] = stream[REFERENCE_HOURS:], watched(stream, NEVER, name)
    pages = 0
    for hour in range(days * 24):
        watches = {name: step(watch, live[name][hour]).watch for name, watch in watches.items()}
        if app_page({name: watch.state for name, watch in watches.items()}, 1):
            pages += 1
            watches = {name: replace(watch, state=restarted(watch.state)) for name, watch in watches.items()}
    return pages


def app_clean(wander: float = 0.2, apps: int = 20, series: int = 10, days: int = 90, processes: int = 2) -> dict:
    """Apps of clean series that page on the mean of their evidence."""
    pages = many(partial(app_run, series=series, days=days, wander=wander), apps, processes)
    return {"wander": wander, "apps": apps, "series": series, "days": days, "pages": sum(pages),
            "upper": float(chi2.ppf(0.95, 2 * (sum(pages) + 1))) / 2}  # fmt: skip
