"""Figures by app, model and question: from the store's counts and answers to estimates."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from monitors.estimates.quality import Cell, Quality, Reading, qualities
from monitors.estimates.readers import Pairs
from monitors.intervals import CONFIDENCE, Estimate, Interval
from schemas.label import CORRECT, RELEVANT
from streams.reviews.accuracy import golds, read_accuracy
from streams.store.client import Store
from streams.store.sql import query

Measure: TypeAlias = Literal["prevalence", "precision", "recall", "accuracy", "relevance", "correctness"]
_NO_PAIRS: Final = Pairs(0, 0)


@dataclass(frozen=True, slots=True)
class Period:
    """Events that the broker took in from ``start`` on and before ``end``."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Figure:
    """One estimate: of what, and what it rests on (``Quality``). ``model`` is empty where it is of all models."""

    app: str
    model: str
    question: str
    measure: Measure
    period: Period
    quality: Quality

    @property
    def numbers(self) -> Mapping[str, Any]:
        """The estimate and what it rests on, as JSON and the store have them."""
        quality = self.quality
        return {
            "value": quality.estimate.value,
            "low": quality.estimate.interval.low,
            "high": quality.estimate.interval.high,
            "confidence": CONFIDENCE,
            "method": quality.method,
            "as_read": quality.as_read,
            "noise": quality.noise,
            "seen": quality.seen,
            "read": quality.read,
            "bad": quality.bad,
        }

    def to_json(self) -> Mapping[str, Any]:
        """The figure as values for ``json.dumps``."""
        return {
            "app": self.app,
            "model": self.model or None,
            "question": self.question,
            "measure": self.measure,
            "period": [self.period.start.isoformat(), self.period.end.isoformat()],
            **self.numbers,
        }


@dataclass(frozen=True, slots=True)
class _Place:
    app: str
    model: str
    question: str


def read_figures(
    store: Store, period: Period, app: str = "", *, by_model: bool = False, experts: Collection[str] = ()
) -> tuple[Figure, ...]:
    """Every figure that the labels of the period allow, by app, question and, if asked, model.

    All verdicts of the period that could have been drawn count, whether or not they were. Readers' mistakes are known
    by how they did beside ``experts``, where that is enough, else by their disagreement.
    """
    chosen = {"since": period.start, "until": period.end, "app": app, "by_model": by_model}
    pairs = {row["question"]: Pairs(row["read"], row["disagreed"]) for row in store.select(query("estimate_pairs"))}
    known = golds(read_accuracy(store, experts))
    seen, read = store.select(query("estimate_seen"), **chosen), store.select(query("estimate_read"), **chosen)
    places = _cells(seen, read)
    return tuple(
        figure
        for place, cells in places.items()
        if any(cell.read for cell in cells)
        for figure in _figures(
            place, period, qualities(cells, pairs.get(place.question, _NO_PAIRS), known.get(place.question))
        )
    )


def _figures(place: _Place, period: Period, found: Sequence[Quality]) -> Iterator[Figure]:
    for quality in found:
        if place.question in {RELEVANT, CORRECT} and quality.measure == "prevalence":
            measure: Measure = "relevance" if place.question == RELEVANT else "correctness"
            yield Figure(place.app, place.model, place.question, measure, period, _complement(quality))
        elif place.question != CORRECT:  # no guard says what is correct
            yield Figure(place.app, place.model, place.question, quality.measure, period, quality)


def _complement(quality: Quality) -> Quality:
    """The share of what is not bad."""
    value, interval = quality.estimate.value, quality.estimate.interval
    estimate = Estimate(None if value is None else 1 - value, Interval(1 - interval.high, 1 - interval.low))
    as_read = None if quality.as_read is None else 1 - quality.as_read
    return Quality(
        quality.measure, estimate, as_read, quality.noise, quality.method, quality.seen, quality.read,
        quality.read - quality.bad,
    )  # fmt: skip


def _cells(seen: Sequence[Mapping[str, Any]], read: Sequence[Mapping[str, Any]]) -> Mapping[_Place, list[Cell]]:
    readings: dict[tuple[object, ...], list[Reading]] = {}
    for row in read:
        readings.setdefault(_key(row), []).append(_reading(row))
    places: dict[_Place, list[Cell]] = {}
    for row in seen:
        cell = Cell(
            stratum=row["stratum"],
            probability=row["probability"],
            flagged=bool(row["flagged"]),
            seen=row["seen"],
            mean_score=row["mean_score"],
            read=tuple(readings.get(_key(row), ())),
        )
        places.setdefault(_Place(row["app"], row["model"], row["question"]), []).append(cell)
    return places


def _key(row: Mapping[str, Any]) -> tuple[object, ...]:
    return tuple(row[name] for name in ("app", "model", "question", "stratum", "probability", "flagged"))


def _reading(row: Mapping[str, Any]) -> Reading:
    """What readers say together: the majority, or the first of them while they are at odds."""
    answers: Sequence[bool] = row["answers"]
    yes = sum(answers)
    said = answers[0] if 2 * yes == len(answers) else 2 * yes > len(answers)
    good_if_yes = row["question"] in {RELEVANT, CORRECT}
    return Reading(bad=said is not good_if_yes, readers=len(answers), score=row["score"])
