"""Figures over time: into the store."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from streams.estimates.figures import Figure, Period, read_figures
from streams.store.client import Store, Values
from streams.store.columns import milliseconds

WINDOW: Final = timedelta(days=28)
_DAY: Final = timedelta(days=1)


def store_figures(store: Store, figures: Sequence[Figure], now: datetime) -> None:
    """Store the figures; those of the same period that were stored before give way."""
    store.insert("estimates", [_row(figure, now) for figure in figures], token=str(uuid4()))


def renew(store: Store, now: datetime, experts: Collection[str] = ()) -> int:
    """Estimate the four weeks up to today's end again, of every app and of each of its models; how many figures.

    Each day leaves its last ones behind, so that the store has them over time.
    """
    end = now.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    figures = tuple(_of_apps_and_models(store, Period(end - WINDOW, end), experts))
    store_figures(store, figures, now)
    return len(figures)


def _of_apps_and_models(store: Store, period: Period, experts: Collection[str]) -> Iterator[Figure]:
    yield from read_figures(store, period, experts=experts)
    yield from (each for each in read_figures(store, period, by_model=True, experts=experts) if each.model)


def _row(figure: Figure, now: datetime) -> Values:
    return {
        "app": figure.app,
        "model": figure.model,
        "question": figure.question,
        "measure": figure.measure,
        "period_start": milliseconds(figure.period.start),
        "period_end": milliseconds(figure.period.end),
        **figure.numbers,
        "computed_at": milliseconds(now),
    }
