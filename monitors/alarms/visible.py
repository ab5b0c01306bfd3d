"""What an alarm can see: the number that belongs beside it."""

from math import exp, log, log1p, sqrt
from typing import Final

import numpy as np

from monitors.alarms import fast, sensitive
from monitors.alarms.bins import WEEK
from monitors.alarms.evidence import BUDGET_HOURS
from monitors.alarms.series import SHARES, Baseline

_BISECTIONS: Final = 40


def visible_shift(baseline: Baseline, threshold: float, hours: float = WEEK) -> float:
    """The least rise of the rate that the alarm is as likely as not to find within ``hours``; 1 if there is none.

    From the mean growth of each bet's log: with growth G an hour the evidence of one of J bets is about
    u·exp(G·t)/(1 - exp(-G)), and that over J has to reach the threshold. An approximation; docs/statistics.md compares
    it with simulated delays.
    """
    low, high = 0.0, 1 - baseline.profile.level
    if not _found(baseline, threshold, hours, high):
        return 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if _found(baseline, threshold, hours, middle) else (middle, high)
    return high


def _found(baseline: Baseline, threshold: float, hours: float, shift: float) -> bool:
    fast_growth = baseline.conversations * _fast(baseline, shift)
    slow_growth = _sensitive(baseline, shift, hours) / baseline.block
    lanes: tuple[tuple[float, float], ...] = (
        (fast_growth, fast.BETS / SHARES["fast"]),
        (slow_growth, sensitive.BETS / SHARES["sensitive"]),
    )
    return any(_reaches(growth, hours, bets * threshold / len(lanes)) for growth, bets in lanes)


def _reaches(growth: float, hours: float, evidence: float) -> bool:
    if growth <= 0:
        return False
    return growth * hours - log(BUDGET_HOURS * (1 - exp(-growth))) >= log(evidence)


def _fast(baseline: Baseline, shift: float) -> float:
    """Growth a conversation of the best upward bet, to second order in the bet."""
    rate, bound = baseline.profile.level + shift, min(baseline.profile.level + baseline.margin, 1 - 1e-9)
    target = np.minimum(bound * np.array(fast.RATIOS), (1 + bound) / 2)
    bet = (target - bound) / (bound * (1 - bound))
    variance = baseline.spread**2 * rate * (1 - rate) / (baseline.profile.level * (1 - baseline.profile.level))
    return float((bet * (rate - bound) - bet**2 / 2 * (variance + (rate - bound) ** 2)).max())


def _sensitive(baseline: Baseline, shift: float, hours: float) -> float:
    """Growth a block of the best upward bet, on average over ``hours`` in which more and more ranks know the shift."""
    white, known, new = baseline.whitening, len(baseline.residuals), hours / baseline.block
    deviation = white.deviation(baseline.events * baseline.block, baseline.profile.level)
    drift = shift / deviation * (1 - white.pull) / white.spread / sqrt(white.inflation)
    drift = min(drift * known / new * log1p(new / known), 3.5)  # a rank among so many goes no further
    rates = np.array(sensitive.RATES)
    return float((rates * drift - rates**2 / 2).max())
