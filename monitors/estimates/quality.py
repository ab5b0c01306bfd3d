"""How good a guard is, from verdicts that were read: the right estimator for what there is to go on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, hypot, log2
from typing import Final, Literal, TypeAlias

import numpy as np

from monitors.estimates.powered import Scored, powered_share
from monitors.estimates.readers import Gold, Mistakes, Pairs, corrected, error_rate, mistakes, symmetric, third_reads
from monitors.estimates.recall import recall_of
from monitors.estimates.strata import FEW, Stratum, share_of_all
from monitors.intervals import CONFIDENCE, UNKNOWN, Estimate, Interval

Measure: TypeAlias = Literal["prevalence", "precision", "recall", "accuracy"]

LEAST_PAIRS: Final = 30
"""Texts that two people have to have read blindly before their mistakes are taken out."""

LEAST_KNOWN: Final = 20
"""Texts of each kind, good and bad, that readers have to have read beside somebody who knows."""

_CLASSES_PER_OCTAVE: Final = 2
_LEAST_POWER: Final = 10  # bad ones, and others, without which scores move nothing (``powered``)


@dataclass(frozen=True, slots=True)
class Reading:
    """One verdict that was read: whether it was found bad, how many people say so together, and the guard's score."""

    bad: bool
    readers: int = 1
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """Verdicts of one ``stratum``, drawn with one ``probability``, that the guard ``flagged`` or not.

    ``seen`` are all of them, drawn or not, ``mean_score`` the guard's over all; ``read`` those that people answered.
    """

    stratum: str
    probability: float
    flagged: bool
    seen: int
    mean_score: float | None = None
    read: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Quality:
    """A figure with its interval, and what it rests on.

    ``as_read`` is the figure before readers' mistakes were taken out of it, ``noise`` the share of labels that is
    thought wrong (None: not known, nothing was taken out). ``method`` says how.
    """

    measure: Measure
    estimate: Estimate
    as_read: float | None
    noise: float | None
    method: str
    seen: int
    read: int
    bad: int


@dataclass(frozen=True, slots=True)
class _Readers:
    """What is known of readers' mistakes: how often one is wrong, or how often in each way; else nothing."""

    error: Estimate | None = None
    known: Mistakes | None = None


def qualities(
    cells: Sequence[Cell], pairs: Pairs, gold: Gold | None = None, confidence: float = CONFIDENCE
) -> tuple[Quality, ...]:
    """Prevalence, precision, recall and accuracy of a guard.

    Verdicts of a stratum with like probabilities (within a factor of √2) are one part, whose share is weighted by
    them (Hájek 1971) and whose size is Kish's effective one; parts are joined by MOVER with exact limits wherever few
    were bad or few were not (``strata.share_of_all``). What was drawn and is not read yet counts as not drawn: that
    holds while what is read of a part is a random piece of it. Prevalence takes scores into account where a part has
    ten bad ones and ten others (``powered``, PPI++). From ``LEAST_PAIRS`` on, readers' mistakes are taken out by their
    disagreement, taking misses to be as likely as false calls (``readers.symmetric``); from ``LEAST_KNOWN`` known texts
    of each kind on by how readers did on those instead, misses and false calls apart (``readers.corrected``). What that
    leaves unsure is in the interval. Recall has no value without its interval.
    """
    error = _readers(pairs, gold, confidence)
    flagged, passed = _of(cells, flagged=True), _of(cells, flagged=False)
    return (
        _prevalence(cells, error, confidence),
        _share("precision", flagged, error, confidence),
        _recall(flagged, passed, error, confidence),
        _accuracy(cells, error, confidence),
    )


def _readers(pairs: Pairs, gold: Gold | None, confidence: float) -> _Readers:
    if gold is not None and min(gold.good, gold.bad) >= LEAST_KNOWN:
        return _Readers(known=mistakes(gold, confidence))
    return _Readers(error_rate(pairs, confidence) if pairs.read >= LEAST_PAIRS else None)


def _accuracy(cells: Sequence[Cell], error: _Readers, confidence: float) -> Quality:
    """A miss makes the guard look right about what it passed and wrong about what it flagged; a false call likewise."""
    found = _share("accuracy", [_rightness(cell) for cell in cells], replace(error, known=None), confidence)
    seen = sum(cell.seen for cell in cells)
    if error.known is None or not seen:
        return found
    right = [
        _weighted(_of(cells, flagged=flagged), error, confidence, seen, flagged=flagged) for flagged in (True, False)
    ]
    if any(part.value is None for part in right):
        return replace(found, estimate=UNKNOWN, noise=None)
    value = sum(part.value or 0.0 for part in right)
    below = hypot(*((part.value or 0.0) - part.interval.low for part in right))
    above = hypot(*(part.interval.high - (part.value or 0.0) for part in right))
    estimate = Estimate(value, Interval(max(0.0, value - below), min(1.0, value + above)))
    return replace(found, estimate=estimate, noise=_wrong(error.known, cells, found.as_read))


def _weighted(cells: Sequence[Cell], error: _Readers, confidence: float, seen: int, *, flagged: bool) -> Estimate:
    """The share of all verdicts that are these and rightly so."""
    weight = sum(cell.seen for cell in cells) / seen
    if not weight:
        return Estimate(0.0, Interval(0.0, 0.0))
    bad, _ = _without_noise(share_of_all(_strata(cells), confidence), error, cells)
    if bad.value is None:
        return bad
    low, high = bad.interval.low, bad.interval.high
    if flagged:
        return Estimate(weight * bad.value, Interval(weight * low, weight * high))
    return Estimate(weight * (1 - bad.value), Interval(weight * (1 - high), weight * (1 - low)))


def _prevalence(cells: Sequence[Cell], error: _Readers, confidence: float) -> Quality:
    plain = _share("prevalence", cells, error, confidence)
    scored = _scored(cells)
    if not any(_powered(each) for each in scored):
        return plain
    found = powered_share(scored, confidence)
    estimate, noise = _without_noise(found, error, cells)
    return replace(plain, estimate=estimate, as_read=found.value, noise=noise, method="PPI++")


def _share(measure: Measure, cells: Sequence[Cell], error: _Readers, confidence: float) -> Quality:
    found = share_of_all(_strata(cells), confidence)
    estimate, noise = _without_noise(found, error, cells)
    return _quality(measure, cells, estimate, found.value, noise, _method(cells))


def _recall(flagged: Sequence[Cell], passed: Sequence[Cell], error: _Readers, confidence: float) -> Quality:
    cells = [*flagged, *passed]
    shares = [(share_of_all(_strata(part), confidence), part) for part in (flagged, passed)]
    as_read = recall_of(*(_total(share, part) for share, part in shares))
    without = [_without_noise(share, error, part)[0] for share, part in shares]
    estimate = recall_of(*(_total(share, part) for share, (_, part) in zip(without, shares, strict=True)))
    called = share_of_all(_strata(cells), confidence)
    noise = _without_noise(called, error, cells)[1]
    return _quality("recall", cells, estimate, as_read.value, noise, "MOVER-R")


def _total(share: Estimate, cells: Sequence[Cell]) -> Estimate:
    """How many there are, where they are this share."""
    seen = sum(cell.seen for cell in cells)
    if not seen:
        return Estimate(0.0, Interval(0.0, 0.0))
    value = None if share.value is None else share.value * seen
    return Estimate(value, Interval(share.interval.low * seen, share.interval.high * seen))


def _quality(
    measure: Measure,
    cells: Sequence[Cell],
    estimate: Estimate,
    as_read: float | None,
    noise: float | None,
    method: str,
) -> Quality:
    read = [reading for cell in cells for reading in cell.read]
    if not read:
        estimate, as_read, noise = UNKNOWN, None, None
    seen = sum(cell.seen for cell in cells)
    return Quality(measure, estimate, as_read, noise, method, seen, len(read), sum(each.bad for each in read))


def _method(cells: Sequence[Cell]) -> str:
    """How limits come about: exact ones alone, or others too."""
    few = [min(part.bad, part.sampled - part.bad) < FEW for part in _strata(cells) if part.sampled]
    return "exact" if all(few) else "stratified"


def _without_noise(called: Estimate, error: _Readers, cells: Sequence[Cell]) -> tuple[Estimate, float | None]:
    """The share behind readers' mistakes, and the share of labels that is thought wrong."""
    if called.value is None:
        return called, None
    if error.known is not None:
        known = Mistakes(_settled(error.known.false_calls, cells), _settled(error.known.misses, cells))
        return corrected(called, known), _wrong(error.known, cells, called.value)
    if error.error is None:
        return called, None
    noise = _settled(error.error, cells)
    return symmetric(called, noise), noise.value


def _wrong(known: Mistakes, cells: Sequence[Cell], bad: float | None) -> float | None:
    """The share of labels that is thought wrong where this share of texts is bad."""
    false_calls, misses = _settled(known.false_calls, cells).value, _settled(known.misses, cells).value
    if bad is None or false_calls is None or misses is None:
        return None
    return bad * misses + (1 - bad) * false_calls


def _settled(error: Estimate, cells: Sequence[Cell]) -> Estimate:
    """The chance that a label is wrong: less where two read it, and a third if they differed."""
    readers = [reading.readers for cell in cells for reading in cell.read]
    settled = sum(count > 1 for count in readers) / len(readers) if readers else 0.0

    def mixed(one: float) -> float:
        return (1 - settled) * one + settled * third_reads(one)

    value = None if error.value is None else mixed(error.value)
    return Estimate(value, Interval(mixed(error.interval.low), mixed(error.interval.high)))


def _of(cells: Iterable[Cell], *, flagged: bool) -> list[Cell]:
    return [cell for cell in cells if cell.flagged is flagged]


def _rightness(cell: Cell) -> Cell:
    """The cell with "the guard was right" in place of "bad"."""
    return replace(cell, read=tuple(replace(each, bad=each.bad is cell.flagged, score=None) for each in cell.read))


def _strata(cells: Sequence[Cell]) -> list[Stratum]:
    return [_stratum(part) for part in _parts(cells).values()]


def _parts(cells: Iterable[Cell]) -> Mapping[tuple[str, bool, int], list[Cell]]:
    """Cells of one stratum, flagged or not, with like probabilities."""
    parts: dict[tuple[str, bool, int], list[Cell]] = {}
    for cell in cells:
        place = ceil(_CLASSES_PER_OCTAVE * log2(cell.probability) - 1e-9)
        parts.setdefault((cell.stratum, cell.flagged, place), []).append(cell)
    return parts


def _stratum(part: Sequence[Cell]) -> Stratum:
    seen = float(sum(cell.seen for cell in part))
    weights = np.array([1 / cell.probability for cell in part for _ in cell.read])
    if not len(weights):
        return Stratum(seen, 0.0, 0.0)
    bad = np.array([reading.bad for cell in part for reading in cell.read])
    size = min(seen, float(weights.sum() ** 2 / (weights**2).sum()))
    return Stratum(seen, size, min(size, size * float(np.average(bad, weights=weights))))


def _scored(cells: Sequence[Cell]) -> list[Scored]:
    """The parts with their scores; nothing where a part has none, or varies in its probabilities."""
    scored = []
    for part in _parts(cells).values():
        means = [cell.mean_score for cell in part]
        chances = {round(cell.probability, 12) for cell in part}
        read = [reading for cell in part for reading in cell.read]
        if None in means or len(chances) > 1 or any(reading.score is None for reading in read):
            return []
        seen = sum(cell.seen for cell in part)
        mean = sum((cell.mean_score or 0.0) * cell.seen for cell in part) / max(1, seen)
        bad, scores = np.array([r.bad for r in read], bool), np.array([r.score for r in read], float)
        scored.append(Scored(seen, mean, bad, scores))
    return scored


def _powered(scored: Scored) -> bool:
    bad = int(scored.bad.sum())
    return min(bad, len(scored.bad) - bad) >= _LEAST_POWER
