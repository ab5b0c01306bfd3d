"""How much of what is bad was flagged: never a figure without its interval."""

from collections.abc import Sequence
from math import inf, sqrt

from monitors.estimates.strata import Stratum, share_of_all
from monitors.intervals import ANYTHING, CONFIDENCE, Estimate, Interval


def recall(flagged: Sequence[Stratum], unflagged: Sequence[Stratum], confidence: float = CONFIDENCE) -> Estimate:
    """The share of bad events that were flagged: T_f/(T_f+T_u), both totals from reviewed samples.

    The limits are those of the ratio T_u/T_f by MOVER-R (Donner and Zou 2012) from the limits of each total
    (``share_of_all``), turned round. Where everything flagged was read this is [T_f/(T_f+u), T_f/(T_f+l)]. The delta
    method collapses, since a sample often holds no missed event at all; coverage is in docs/statistics.md.
    """
    return recall_of(_total(flagged, confidence), _total(unflagged, confidence))


def recall_of(found: Estimate, missed: Estimate) -> Estimate:
    """The share found/(found+missed) of two totals, however they were estimated; limits as ``recall``'s."""
    if found.value is None or missed.value is None or not found.value + missed.value:
        return Estimate(None, ANYTHING)
    ratio = _ratio(missed, found)
    return Estimate(found.value / (found.value + missed.value), Interval(1 / (1 + ratio.high), 1 / (1 + ratio.low)))


def _total(strata: Sequence[Stratum], confidence: float) -> Estimate:
    """How many bad events those strata hold; 0 if there are no events."""
    seen = sum(stratum.seen for stratum in strata)
    if not seen:
        return Estimate(0.0, Interval(0.0, 0.0))
    share = share_of_all(strata, confidence)
    value = None if share.value is None else share.value * seen
    return Estimate(value, Interval(share.interval.low * seen, share.interval.high * seen))


def _ratio(top: Estimate, bottom: Estimate) -> Interval:
    """The limits of top/bottom, from 0 to infinity."""
    one, two = top.value or 0.0, bottom.value or 0.0
    (l1, u1), (l2, u2) = ((e.interval.low, e.interval.high) for e in (top, bottom))
    inner = (one * two) ** 2 - l1 * u2 * (2 * one - l1) * (2 * two - u2)
    below = one * two + sqrt(max(0.0, inner))
    low = l1 * (2 * one - l1) / below if below else 0.0
    if not l2:
        return Interval(low, inf)
    inner = (one * two) ** 2 - u1 * l2 * (2 * one - u1) * (2 * two - l2)
    return Interval(low, (one * two + sqrt(max(0.0, inner))) / (l2 * (2 * two - l2)))
