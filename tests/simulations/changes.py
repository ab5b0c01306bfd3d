"""Cover of onset sets and of what corrects reviewers' mistakes."""

import numpy as np

from monitors.estimates.readers import Gold, Pairs, corrected, error_rate, mistakes, symmetric, third_reads
from monitors.intervals import Estimate, Interval, share
from monitors.onset import onset

_READ, _GOLD = 500, 100


def onsets(runs: int = 1000) -> list[dict]:
    """The set of the begin of a shift 200 blocks ago at most: how often it holds the begin, how long it is."""
    rows, source = [], np.random.default_rng(1)
    for size, after in ((1.0, 12), (0.5, 40), (0.3, 100)):
        held, lengths, errors = [], [], []
        for _ in range(runs):
            begin = 300 - after
            found = onset(source.normal(np.where(np.arange(300) >= begin, size, 0.0)), up=True)
            held.append(begin in found.among)
            lengths.append(len(found.among))
            errors.append(abs(found.likeliest - begin))
        rows.append({"sd": size, "blocks_after": after, "covered": float(np.mean(held)),
                     "median_length": float(np.median(lengths)), "median_error": float(np.median(errors))})  # fmt: skip
    return rows


def readers(prevalence: float, errors: tuple[float, float], runs: int = 2000) -> dict:
    """Cover and bias of one reader, of two with a third corrected symmetrically, and of a gold set of 200."""
    source = np.random.default_rng(2)
    truth = source.random((runs, _READ)) < prevalence
    said = [
        np.where(source.random(truth.shape) < np.where(truth, errors[1], errors[0]), ~truth, truth) for _ in range(3)
    ]
    settled = np.where(said[0] == said[1], said[0], said[2]).sum(axis=1).tolist()
    disagreed, single = (said[0] != said[1]).sum(axis=1).tolist(), said[0].sum(axis=1).tolist()
    golds = zip(source.binomial(_GOLD, errors[0], runs).tolist(), source.binomial(_GOLD, 1 - errors[1], runs).tolist(),
                strict=True)  # fmt: skip
    methods = {
        "one reader": [share(x, _READ) for x in single],
        "third settles, as read": [share(x, _READ) for x in settled],
        "third settles, corrected": [
            symmetric(share(x, _READ), _settled(d)) for x, d in zip(settled, disagreed, strict=True)
        ],
        "gold set": [
            corrected(share(x, _READ), mistakes(Gold(_GOLD, f, _GOLD, s)))
            for x, (f, s) in zip(single, golds, strict=True)
        ],
    }
    return {"prevalence": prevalence, "errors": errors} | {
        name: _summed(found, prevalence) for name, found in methods.items()
    }


def _settled(disagreed: int) -> Estimate:
    """The error rate of a label that a third reader settled."""
    error = error_rate(Pairs(_READ, disagreed))
    low, high = third_reads(error.interval.low), third_reads(error.interval.high)
    return Estimate(third_reads(error.value or 0.0), Interval(low, high))


def _summed(found: list[Estimate], truth: float) -> dict:
    held = [e.interval.low <= truth <= e.interval.high for e in found]
    bias = float(np.mean([e.value for e in found if e.value is not None]) - truth)
    return {"bias": bias, "covered": float(np.mean(held)),
            "width": float(np.mean([e.interval.high - e.interval.low for e in found]))}  # fmt: skip


def changes() -> dict:
    """All of it."""
    pairs = ((0.05, (0.03, 0.03)), (0.05, (0.01, 0.2)), (0.3, (0.02, 0.2)))
    return {"onsets": onsets(), "readers": [readers(*pair) for pair in pairs]}
