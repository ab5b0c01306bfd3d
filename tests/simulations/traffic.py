"""Simulated traffic: conversations of 1 to 20 events that resemble each other, a season, and a rate that wanders."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from monitors.alarms.bins import Bin

REFERENCE_HOURS = 28 * 24
LIVE_HOURS = 90 * 24
MEAN_LENGTH = 10.5
_CORRELATION = 0.3


@dataclass(frozen=True)
class Truth:
    """``wander`` is the standard deviation, on the logit, of an hourly AR(1) with coefficient .8."""

    events_per_day: float = 10_000
    rate: float = 0.05
    wander: float = 0.1
    amplitude: float = 0.3
    weekend: float = -0.2


@dataclass(frozen=True)
class Conversations:
    """One row a conversation, in order of time."""

    hour: np.ndarray
    events: np.ndarray
    hits: np.ndarray


def conversations(truth: Truth, hours: int, source: np.random.Generator, shift: np.ndarray | float = 0.0):
    """Hours 0 (a Thursday's midnight) to ``hours``; ``shift`` is added to the rate of each hour."""
    hour = np.arange(hours)
    seasonal = truth.amplitude * np.sin(2 * np.pi * hour / 24) + truth.weekend * ((hour + 72) // 24 % 7 >= 5)
    noise = source.normal(0, truth.wander * np.sqrt(1 - 0.8**2), hours)
    noise[0] = source.normal(0, truth.wander)
    stray = np.empty(hours)
    level = 0.0
    for place in range(hours):
        level = 0.8 * level + noise[place]
        stray[place] = level
    rate = np.clip(expit(logit(truth.rate) + seasonal + stray) + shift, 1e-6, 1 - 1e-6)
    count = source.poisson(truth.events_per_day / 24 / MEAN_LENGTH, hours)
    when = np.repeat(hour, count)
    events = source.integers(1, 21, len(when))
    scale = (1 - _CORRELATION) / _CORRELATION
    own = source.beta(rate[when] * scale, (1 - rate[when]) * scale)
    return Conversations(when, events, source.binomial(events, own))


def bins(rows: Conversations, hours: int) -> list[Bin]:
    """The hours of those conversations, empty ones included."""
    means = rows.hits / rows.events
    order = np.lexsort((means, rows.hour))
    when, means = rows.hour[order], means[order]
    new = np.flatnonzero(np.r_[True, (np.diff(when) > 0) | (np.diff(means) > 0)]) if len(when) else np.array([], int)
    counts = np.diff(np.r_[new, len(when)])
    distinct = list(zip(means[new].tolist(), counts.tolist(), strict=True))
    edges = np.searchsorted(when[new], np.arange(hours + 1))
    events, hits = (np.bincount(rows.hour, w, hours) for w in (rows.events, rows.hits))
    return [
        Bin(hour, int(events[hour]), float(hits[hour]), tuple(distinct[edges[hour] : edges[hour + 1]]))
        for hour in range(hours)
    ]


def step_shift(hours: int, onset: int, size: float, ramp_hours: int = 0) -> np.ndarray:
    """0 before ``onset``, then ``size``, reached in a straight line over ``ramp_hours``."""
    past = np.arange(hours) - onset
    return size * np.clip((past + 1) / max(ramp_hours, 1), 0.0, 1.0) * (past >= 0)
