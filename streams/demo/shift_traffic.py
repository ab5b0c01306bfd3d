"""The second act's traffic: real verdicts told again in logical hours, clean, shifted and mended. Pure.

The texts of ``deploy/demo/shift.jsonl`` are judged once by the worker. Each hour then draws from those verdicts; what
changes are their app, model, ids and times, and nothing that a guard has said.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, Literal

from schemas.ids import derived_id
from schemas.monitoring import SeriesState
from schemas.policy import Alarms
from schemas.verdict import Verdict
from streams.monitor.readings import Reader
from streams.monitor.records import series_state
from streams.monitor.reference import exported
from streams.monitor.watcher import Watcher
from streams.monitor.watermarks import Partition, Terms

Kind = Literal["english", "german", "toxic", "german-offtopic"]
Templates = Mapping[Kind, Sequence[Verdict]]

SHOP: Final = "demo-shop"
BANK: Final = "demo-bank"
OLD_MODEL: Final = "atlas-7"
NEW_MODEL: Final = "atlas-8"
START: Final = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
REFERENCE_HOURS: Final = 14 * 24
CLEAN: Final = range(REFERENCE_HOURS, REFERENCE_HOURS + 12)
SHIFTED: Final = range(CLEAN.stop, CLEAN.stop + 12)
MENDED: Final = range(SHIFTED.stop, SHIFTED.stop + 48)
PER_HOUR: Final = 8
"""Events of each app in an hour."""

HOUR_SECONDS: Final = 3600.0
SEEDS: Final = (1002, 2002, 3002, 4002)
"""Of the reference, and of the hours that are clean, shifted and mended: the act is the same every time."""

ALARMS: Final = Alarms(signals=frozenset({"response_toxicity", "irrelevance"}), reference_days=14)


def moment(hour: int, part: float = 0.0) -> datetime:
    """A time in the logical hours since the start."""
    return START + timedelta(hours=hour + part)


def traffic(templates: Templates, hours: Iterable[int], *, shifted: bool, seed: int) -> Iterator[Verdict]:
    """Both apps' verdicts, hour by hour.

    ``shifted``: half of the shop's answers are a new model's, two in three of those toxic; of the bank's German
    answers nine in ten are beside the point.
    """
    source = Random(seed)  # noqa: S311 - the same traffic every time
    for hour in hours:
        for number in range(PER_HOUR):
            at = moment(hour, (number + source.random()) / PER_HOUR)
            new = shifted and source.random() < 0.5
            kind: Kind = "toxic" if new and source.random() < 2 / 3 else "english"
            yield _told(
                source.choice(templates[kind]), SHOP, NEW_MODEL if new else OLD_MODEL, at, f"{seed}-{hour}-{number}"
            )
            german = source.random() < 0.5
            beside = german and shifted and source.random() < 0.9
            kind = "german-offtopic" if beside else "german" if german else "english"
            yield _told(source.choice(templates[kind]), BANK, OLD_MODEL, at, f"{seed}-{hour}-{number}")


def _told(verdict: Verdict, app: str, model: str, at: datetime, name: str) -> Verdict:
    return verdict.model_copy(
        update={
            "verdict_id": derived_id(app, "demo", name, verdict.stage),
            "app": app,
            "model": model,
            "source": "demo",
            "source_event_id": f"{app}-{name}",
            "conversation_id": f"{app}-{name}",
            "event_time": at,
        }
    )


def reference(templates: Templates) -> Iterator[SeriesState]:
    """Both apps' series with two clean weeks behind them, as ``weir monitors export`` writes them."""
    timing = Terms(round(HOUR_SECONDS * 1000), 0)
    watcher, reader = Watcher(timing, lambda _: ALARMS), Reader(lambda _: ALARMS, "event")
    place = Partition("", "", 0)
    watcher.follow([place])
    for offset, verdict in enumerate(traffic(templates, range(REFERENCE_HOURS), shifted=False, seed=SEEDS[0])):
        watcher.read(place.key, offset, reader.read(verdict))
    watcher.close(watcher.number(moment(REFERENCE_HOURS)) - 1)
    for name, app in watcher.apps.items():
        for series in app.series:
            yield exported(series_state(name, series, app, (), watcher.terms(name), HOUR_SECONDS))
