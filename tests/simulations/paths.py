"""A whole stream at once: the bets of every hour by columns, then evidence and pages.

The same as feeding ``series.step`` hour by hour, which takes many times as long (tests/property/test_alarms.py
compares them).
"""

from bisect import insort
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from monitors.alarms import fast, sensitive
from monitors.alarms.bins import Summary
from monitors.alarms.evidence import _CEILING, _MOST, BUDGET_HOURS
from monitors.alarms.series import _MOST_SETTLED, SHARES, Baseline, _luck, learn
from tests.simulations.traffic import REFERENCE_HOURS, Conversations

_PIECE = 168
_SIDE = len(fast.RATIOS)


@dataclass(frozen=True)
class Scores:
    """What the lanes bet on: logs of the fast bets for each hour after the reference, and ranks where a block ends."""

    base: Baseline
    fast: np.ndarray
    ends: np.ndarray
    score: np.ndarray


def summaries(rows: Conversations, hours: int) -> list[Summary]:
    """The hours of those conversations without them."""
    means = rows.hits / rows.events
    columns = [np.bincount(rows.hour, w, hours) for w in (rows.events, rows.hits, None, means, means**2)]
    return [
        Summary(hour, int(events), float(total), int(count), float(first), float(second))
        for hour, (events, total, count, first, second) in enumerate(zip(*columns, strict=True))
    ]


def scored(rows: Conversations, hours: int, name: str) -> Scores:
    """Learn from the reference, and score all hours after it."""
    found = summaries(rows, hours)
    base = learn(found[:REFERENCE_HOURS])
    assert isinstance(base, Baseline), base
    return Scores(base, _fast(base, rows, hours), *_ranks(base, found[REFERENCE_HOURS:], name))


def _fast(base: Baseline, rows: Conversations, hours: int) -> np.ndarray:
    """``fast.log_bets`` of every hour."""
    expected = base.profile.at(np.arange(hours))
    margin = base.margin * expected / base.profile.level
    logs = np.empty((hours - REFERENCE_HOURS, fast.BETS))
    edges = np.searchsorted(rows.hour, np.arange(hours + 1))
    ratios = np.array(fast.RATIOS)
    for start in range(REFERENCE_HOURS, hours, _PIECE):
        end = min(start + _PIECE, hours)
        part = slice(edges[start], edges[end])
        at, mean = rows.hour[part] - start, (rows.hits[part] / rows.events[part])[:, None]
        high = np.minimum(expected[start:end] + margin[start:end], 1 - 1e-9)[:, None]
        low = np.maximum(expected[start:end] - margin[start:end], 1e-9)[:, None]
        bound = np.repeat(np.hstack([high, low]), _SIDE, axis=1)
        target = np.hstack([np.minimum(high * ratios, (1 + high) / 2), low / ratios])
        won, lost = (target / bound)[at], ((1 - target) / (1 - bound))[at]
        bets = np.log(np.maximum(lost + mean * (won - lost), 1e-300))
        for bet in range(fast.BETS):
            logs[start - REFERENCE_HOURS : end - REFERENCE_HOURS, bet] = np.bincount(at, bets[:, bet], end - start)
    live = slice(REFERENCE_HOURS, hours)
    logs[np.diff(edges)[live] == 0] = np.nan
    logs[expected[live] + margin[live] >= 1, :_SIDE] = np.nan
    logs[expected[live] - margin[live] <= 0, _SIDE:] = np.nan
    return logs


def _ranks(base: Baseline, live: list[Summary], name: str) -> tuple[np.ndarray, np.ndarray]:
    """The places where blocks end, and their scores."""
    length, white = base.block, base.whitening
    first = live[0].hour
    hour = np.array([each.hour for each in live])
    events, total = (np.array([getattr(each, what) for each in live], float) for what in ("events", "total"))
    due = events * base.profile.at(hour)
    number = hour // length
    count, x, expected = (np.bincount(number - number[0], w) for w in (events, total, due))
    full = np.flatnonzero((count > 0) & ((np.arange(len(count)) + number[0] + 1) * length <= hour[-1] + 1))
    count, x, mean = count[full], x[full], expected[full] / count[full]
    deviation = np.sqrt(white.dispersion * mean * (1 - mean) / count + white.wander**2)
    z = (x / count - mean) / deviation
    past = np.concatenate([[0.0], lfilter([1 - white.memory], [1.0, -white.memory], z)[:-1]])
    residuals = (z - white.pull * past).tolist()
    blocks = (full + number[0]).tolist()
    settled, score = list(base.residuals), np.empty(len(blocks))
    for place, (block, residual) in enumerate(zip(blocks, residuals, strict=True)):
        score[place] = sensitive.rank_score(residual, settled, _luck(name, block))
        if len(settled) < _MOST_SETTLED:
            insort(settled, residual)
    ends = (np.array(blocks) + 1) * length - 1 - first
    return ends, score / np.sqrt(white.inflation)


@dataclass(frozen=True)
class Steps:
    """How evidence goes on, hour by hour: M ← M·growth + added, of which ``weight`` makes that of each lane."""

    growth: np.ndarray
    added: np.ndarray
    weight: np.ndarray

    def on(self, evidence: np.ndarray, hour: int) -> np.ndarray:
        """The evidence after an hour."""
        return np.minimum(evidence * self.growth[hour] + self.added[hour], _MOST)

    @property
    def none(self) -> np.ndarray:
        """No evidence."""
        return np.zeros(len(self.weight))


def steps(found: Scores) -> Steps:
    """The evidence of both lanes, as ``evidence.grow`` and ``series.lanes`` have it."""
    slow = np.full((len(found.fast), sensitive.BETS), np.nan)
    slow[found.ends] = [sensitive.log_bets(score) for score in found.score]
    logs = np.hstack([found.fast, slow])
    growth = np.where(np.isnan(logs), 1.0, np.exp(np.minimum(logs, _CEILING)))
    hours = np.repeat([1.0, float(found.base.block)], [fast.BETS, sensitive.BETS]) / BUDGET_HOURS
    weight = np.zeros((logs.shape[1], 2))
    weight[: fast.BETS, 0] = 2 * SHARES["fast"] / fast.BETS
    weight[fast.BETS :, 1] = 2 * SHARES["sensitive"] / sensitive.BETS
    return Steps(growth, np.where(np.isnan(logs), 0.0, hours) * growth, weight)


def pages(found: Scores, threshold: float, since: int = 0, most: int = 10**9) -> list[int]:
    """The hours after the reference at which the series pages; pages before ``since`` only start the evidence anew."""
    path, paged = steps(found), []
    evidence = path.none
    for hour in range(len(path.growth)):
        evidence = path.on(evidence, hour)
        if (evidence @ path.weight).max() >= threshold:
            evidence = path.none
            if hour >= since:
                paged.append(hour)
                if len(paged) >= most:
                    break
    return paged
