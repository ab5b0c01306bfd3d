"""What readers' mistakes do to an estimate, and how to take them out again."""

from dataclasses import dataclass
from math import sqrt

from monitors.intervals import ANYTHING, CONFIDENCE, Estimate, Interval, normal_quantile, wilson


@dataclass(frozen=True, slots=True)
class Gold:
    """How readers did on texts whose label is known: ``good`` and ``bad`` ones, and how many were called bad."""

    good: int
    good_called_bad: int
    bad: int
    bad_called_bad: int


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


def corrected(bad: int, read: int, gold: Gold, confidence: float = CONFIDENCE) -> Estimate:
    """The share of bad texts behind ``bad`` of ``read`` called so by readers who are sometimes wrong.

    Rogan and Gladen (1978): (q-f)/(s-f), with the readers' rates of false calls f and of hits s from a gold set. The
    variance is the sum of those of q, f and s by the delta method, with shares moved in by Wilson's centre, so that no
    variance is 0 for want of a mistake.
    """
    z = normal_quantile(confidence)
    q = _moved(bad, read, z)
    false_calls, hits = _moved(gold.good_called_bad, gold.good, z), _moved(gold.bad_called_bad, gold.bad, z)
    plain = [
        _plain(*pair) for pair in ((bad, read), (gold.good_called_bad, gold.good), (gold.bad_called_bad, gold.bad))
    ]
    if hits.share <= false_calls.share or plain[2] <= plain[1] or not read:
        return Estimate(None, ANYTHING)
    power = hits.share - false_calls.share
    centre = (q.share - false_calls.share) / power
    variance = (q.variance + (1 - centre) ** 2 * false_calls.variance + centre**2 * hits.variance) / power**2
    reach, value = z * sqrt(variance), _inside((plain[0] - plain[1]) / (plain[2] - plain[1]))
    return Estimate(value, Interval(min(value, _inside(centre - reach)), max(value, _inside(centre + reach))))


@dataclass(frozen=True, slots=True)
class _Moved:
    share: float
    variance: float


def _moved(hits: int, trials: int, z: float) -> _Moved:
    """A share moved towards ½ as Wilson's interval is centred, with its variance."""
    share = (hits + z * z / 2) / (trials + z * z)
    return _Moved(share, share * (1 - share) / (trials + z * z))


def _plain(hits: int, trials: int) -> float:
    return hits / trials if trials else 0.0
