"""What readers' mistakes do to an estimate, and how to take them out again."""

from dataclasses import dataclass
from math import sqrt

from monitors.intervals import ANYTHING, CONFIDENCE, Estimate, Interval, wilson


@dataclass(frozen=True, slots=True)
class Gold:
    """How readers did on texts whose label is known: ``good`` and ``bad`` ones, and how many were called bad."""

    good: int
    good_called_bad: int
    bad: int
    bad_called_bad: int


@dataclass(frozen=True, slots=True)
class Mistakes:
    """How likely readers are wrong: about a good text (a false call), and about a bad one (a miss)."""

    false_calls: Estimate
    misses: Estimate


@dataclass(frozen=True, slots=True)
class Pairs:
    """Texts that two readers read blindly: how many, and on how many they disagreed."""

    read: int
    disagreed: int


def error_rate(pairs: Pairs, confidence: float = CONFIDENCE) -> Estimate:
    """The chance that one reader is wrong: (1-√(1-2d))/2 with d the share of disagreements, at most ½.

    The limits are Wilson's for d. It takes misses to be as likely as false calls (the symmetric case of Dawid and
    Skene 1979). Where they are not, the correction by it is off by several points: then only a gold set helps.
    """
    if not pairs.read:
        return Estimate(None, Interval(0.0, 0.5))
    limits = wilson(pairs.disagreed, pairs.read, confidence)
    return Estimate(_error(pairs.disagreed / pairs.read), Interval(_error(limits.low), _error(limits.high)))


def _error(disagreement: float) -> float:
    return (1 - sqrt(1 - 2 * min(0.5, disagreement))) / 2


def third_reads(error: float) -> float:
    """The chance that a label is wrong when a third reader settles what two disagree on: 3e²-2e³."""
    return error * error * (3 - 2 * error)


def symmetric(called: Estimate, error: Estimate) -> Estimate:
    """The share of bad texts behind a share ``called`` so by labels that are wrong at rate ``error``: (q-e)/(1-2e).

    The limits join those of q and e by MOVER (Zou and Donner 2008), so what the readers' disagreement leaves unsure
    is in the interval.
    """
    if called.value is None or error.value is None or error.value >= 0.5:
        return Estimate(None, ANYTHING)
    value = _uncoin(called.value, error.value)
    moves = [
        [_uncoin(q, error.value) - value for q in (called.interval.low, called.interval.high)],
        [_uncoin(called.value, min(0.499, e)) - value for e in (error.interval.low, error.interval.high)],
    ]
    below = sqrt(sum(min(0.0, *move) ** 2 for move in moves))
    above = sqrt(sum(max(0.0, *move) ** 2 for move in moves))
    return Estimate(_inside(value), Interval(_inside(value - below), _inside(value + above)))


def _uncoin(share: float, error: float) -> float:
    return (share - error) / (1 - 2 * error)


def _inside(share: float) -> float:
    return min(1.0, max(0.0, share))


def mistakes(gold: Gold, confidence: float = CONFIDENCE) -> Mistakes:
    """The rates on texts whose label is known, with Wilson's limits."""
    return Mistakes(
        _share(gold.good_called_bad, gold.good, confidence),
        _share(gold.bad - gold.bad_called_bad, gold.bad, confidence),
    )


def corrected(called: Estimate, known: Mistakes) -> Estimate:
    """The share of bad texts behind a share ``called`` so by readers who make such mistakes.

    Rogan and Gladen (1978): (q-f)/(1-m-f), with the rates of false calls f and of misses m from a gold set. The limits
    join those of q, f and m by MOVER (Zou and Donner 2008). Nothing is known behind readers no better than a coin.
    """
    false_calls, misses = known.false_calls, known.misses
    if called.value is None or false_calls.value is None or misses.value is None:
        return Estimate(None, ANYTHING)
    if false_calls.value + misses.value >= 1:
        return Estimate(None, ANYTHING)
    value = _behind(called.value, false_calls.value, misses.value)
    moves = [
        [_behind(q, false_calls.value, misses.value) - value for q in _ends(called)],
        [_behind(called.value, f, misses.value) - value for f in _ends(false_calls)],
        [_behind(called.value, false_calls.value, m) - value for m in _ends(misses)],
    ]
    below = sqrt(sum(min(0.0, *move) ** 2 for move in moves))
    above = sqrt(sum(max(0.0, *move) ** 2 for move in moves))
    return Estimate(_inside(value), Interval(_inside(value - below), _inside(value + above)))


def _behind(share: float, false_calls: float, misses: float) -> float:
    return (share - false_calls) / max(1e-3, 1 - misses - false_calls)


def _ends(estimate: Estimate) -> tuple[float, float]:
    return estimate.interval.low, estimate.interval.high


def _share(hits: int, trials: int, confidence: float) -> Estimate:
    return Estimate(hits / trials if trials else None, wilson(hits, trials, confidence) if trials else ANYTHING)
