"""How often intervals hold the truth: score strata of 90, 8 and 2% sampled at 1 : 10 : 100."""

from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np

from monitors.estimates.powered import Scored, powered_share
from monitors.estimates.recall import recall
from monitors.estimates.strata import Stratum, guaranteed, share_of_all
from monitors.intervals import Interval, clopper_pearson, wilson
from monitors.sequences import asymptotic
from monitors.sequences.betting import betting, limit, log_wealth

SEEN = np.array([90_000, 8_000, 2_000])
_TILT = np.array([0.3, 3.0, 24.0])
PREVALENCES = (0.001, 0.003, 0.01, 0.05, 0.2, 0.5)
READ = (200, 500, 2000)


@dataclass(frozen=True)
class Cell:
    """``covered`` is a share of the runs, ``width`` the mean width."""

    method: str
    prevalence: float
    read: int
    covered: float
    width: float


def strata_rates(prevalence: float) -> np.ndarray:
    """Rates of the three score strata, in odds of about 1 : 10 : 80, with that prevalence over all."""
    low, high = 0.0, 1e6
    for _ in range(80):
        scale = (low + high) / 2
        rates = _TILT * scale / (1 + _TILT * scale)
        low, high = (scale, high) if (SEEN * rates).sum() / SEEN.sum() < prevalence else (low, scale)
    return rates


def sample_sizes(read: int) -> np.ndarray:
    """Reviews by stratum for about ``read`` in all; at 100% the last one is read whole."""
    weights = SEEN * np.array([0.01, 0.1, 1.0])
    return np.minimum(SEEN, np.maximum(1, np.round(read * weights / weights.sum()))).astype(int)


def _cell(method, prevalence, read, intervals, truth) -> Cell:
    low, high = (np.array([getattr(i, end) for i in intervals]) for end in ("low", "high"))
    return Cell(method, prevalence, read, float(((low <= truth) & (truth <= high)).mean()), float((high - low).mean()))


def stratified(prevalence: float, read: int, runs: int, seed: int = 0) -> list[Cell]:
    """share_of_all, guaranteed limits, and normal limits of the Horvitz-Thompson estimate as a warning."""
    source = np.random.default_rng(seed)
    rates, sizes = strata_rates(prevalence), sample_sizes(read)
    population = source.binomial(SEEN, rates, (runs, 3))
    bad = source.hypergeometric(population, SEEN - population, sizes)
    truth = population.sum(axis=1) / SEEN.sum()
    default, sure = (lru_cache(maxsize=None)(f) for f in (
        lambda x: share_of_all(_strata(sizes, x)).interval, lambda x: guaranteed(_strata(sizes, x))))  # fmt: skip
    rows = [tuple(row) for row in bad.tolist()]
    share = bad / sizes
    middle = (share * SEEN).sum(axis=1) / SEEN.sum()
    spread = np.sqrt(((SEEN / SEEN.sum()) ** 2 * share * (1 - share) / sizes * (1 - sizes / SEEN)).sum(axis=1))
    wald = [Interval(m - 1.96 * s, m + 1.96 * s) for m, s in zip(middle, spread, strict=True)]
    return [
        _cell("MOVER (share_of_all)", prevalence, read, [default(row) for row in rows], truth),
        _cell("exact, Bonferroni (guaranteed)", prevalence, read, [sure(row) for row in rows], truth),
        _cell("Horvitz-Thompson, normal", prevalence, read, wald, truth),
    ]


def _strata(sizes, bad) -> list[Stratum]:
    return [Stratum(int(n), int(k), b) for n, k, b in zip(SEEN, sizes, bad, strict=True)]


def simple(prevalence: float, read: int, runs: int, seed: int = 0) -> list[Cell]:
    """Clopper-Pearson and Wilson on one random sample."""
    hits = np.random.default_rng(seed).binomial(read, prevalence, runs).tolist()
    methods = {"Clopper-Pearson": clopper_pearson, "Wilson": wilson}
    return [
        _cell(name, prevalence, read, list(map(lru_cache(maxsize=None)(lambda x, f=f: f(x, read)), hits)), prevalence)
        for name, f in methods.items()
    ]


def powered(prevalence: float, read: int, runs: int, seed: int = 0) -> list[Cell]:
    """PPI++ per stratum with a score that tells bad from good (areas of some .8 inside a stratum)."""
    source = np.random.default_rng(seed)
    rates, sizes = strata_rates(prevalence), sample_sizes(read)
    intervals, plain, truths = [], [], []
    for _ in range(runs):
        strata, truth = [], 0
        for seen, size, rate in zip(SEEN // 10, sizes, rates, strict=True):
            bad = source.random(seen) < rate
            score = 1 / (1 + np.exp(-source.normal(np.where(bad, 0.6, -0.6))))
            truth += bad.sum()
            few = slice(0, min(size, seen))
            strata.append(Scored(int(seen), float(score.mean()), bad[few], score[few]))
        intervals.append(powered_share(strata).interval)
        plain.append(share_of_all([Stratum(s.seen, len(s.bad), int(s.bad.sum())) for s in strata]).interval)
        truths.append(truth / (SEEN // 10).sum())
    truth = np.array(truths)
    return [_cell("PPI++ (powered_share)", prevalence, read, intervals, truth),
            _cell("MOVER, same samples", prevalence, read, plain, truth)]  # fmt: skip


def recalls(found: float, read: int, runs: int, *, whole: bool, seed: int = 0) -> Cell:
    """Recall at prevalence 1%: 100,000 events, flagged ones all read or a fifth of them, ``read`` of the others."""
    source = np.random.default_rng(seed)
    bad, flagged = 1000, 2000
    caught = source.binomial(bad, found, runs)
    missed, rest = bad - caught, 100_000 - flagged
    size = flagged if whole else flagged // 5
    x_f = source.hypergeometric(caught, flagged - caught, size).tolist()
    x_u = source.hypergeometric(missed, rest - missed, read).tolist()
    of = lru_cache(maxsize=None)(lambda f, u: recall([Stratum(flagged, size, f)], [Stratum(rest, read, u)]).interval)
    name = "recall, flagged all read" if whole else "recall, a fifth of the flagged read"
    return _cell(name, found, read, [of(f, u) for f, u in zip(x_f, x_u, strict=True)], caught / bad)


def betting_at_every_look(prevalence: float, length: int, streams: int, seed: int = 0) -> float:
    """The share of streams in which betting ever rules the true share out, looked at after each of ``length`` events.

    The wealth against the truth itself is followed, so that 10,000 streams take seconds; the interval, which holds a
    cell more on either side of what is left, misses no more often.
    """
    state, source = betting(), np.random.default_rng(seed)
    missed = 0
    for _ in range(streams):
        paths = log_wealth(state, (source.random(length) < prevalence).astype(float), np.array([prevalence]))
        missed += max(paths.up.max(), paths.down.max()) >= limit(state)
    return missed / streams


def asymptotic_at_every_look(prevalence: float, length: int, streams: int, seed: int = 0) -> float:
    """The same of the asymptotic sequence, from 20 hits on, looked at every twentieth event."""
    source, looks = np.random.default_rng(seed), np.arange(20, length + 1, 20)
    missed = 0
    for _ in range(streams):
        hits = np.cumsum(source.random(length) < prevalence)[looks - 1].tolist()
        found = (
            asymptotic.limits(asymptotic.Moments(t, h, h, h), 1000) for t, h in zip(looks.tolist(), hits, strict=True)
        )
        missed += any(not i.low <= prevalence <= i.high for i in found)
    return missed / streams


def maps(runs: int = 10_000) -> dict:
    """Everything that docs/statistics.md says about cover."""
    cells = [c for p in PREVALENCES for n in READ for c in (*stratified(p, n, runs), *simple(p, n, runs))]
    cells += [c for p in (0.01, 0.05, 0.3) for n in (500, 2000) for c in powered(p, n, 600)]
    cells += [recalls(r, n, runs, whole=whole) for r in (0.5, 0.9, 0.95) for n in (100, 500, 2000)
              for whole in (True, False)]  # fmt: skip
    ever = [
        {"prevalence": p, "betting": betting_at_every_look(p, 2000, runs),
         "asymptotic": asymptotic_at_every_look(p, 2000, 1000)}
        for p in (0.001, 0.01, 0.05, 0.3, 0.5)
    ]  # fmt: skip
    return {"cells": [asdict(cell) for cell in cells], "ever_misses": ever}
