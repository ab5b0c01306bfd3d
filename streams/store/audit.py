"""The ledger: every event that came in was judged, died, or is on its way; what is missing is named.

An audit runs beside a working system, so the order of its questions matters. What each of them finds may only be
older than what the next one finds:

1. the ends of the inputs: nothing that arrives later is asked about;
2. what the stages have committed: everything below was published by then;
3. the ends of verdicts and dead letters: everything published by 2 lies below;
4. what the writer has committed: below the ends of 3, everything is stored, or else it is still on its way;
5. the ledger, which by then holds all that 4 says is stored.

In any other order an event that moves on between two questions could look lost.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from schemas.topics import INTERACTIONS, REQUESTS
from streams.consumer_groups import store_group, worker_group
from streams.kafka_admin import FirstSince, KafkaAdmin, Place, TopicDescription
from streams.offset_ranges import OffsetRange, without
from streams.settings import Settings
from streams.store.accounting import (
    HourAccount,
    HourStart,
    MissingRange,
    PartitionAccount,
    PartitionFacts,
    account,
    unended,
)
from streams.store.client import Store
from streams.store.feed import topics_to_store
from streams.store.sql import query
from streams.store.void_offsets import VoidOffsets

_INPUTS: Final = (REQUESTS, INTERACTIONS)
_HOUR_MS: Final = 3_600_000
_EXAMPLES: Final = 20
_MARKERS: Final = 100  # a longer tail is not made of transaction markers


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over an audit."""

    came_in: int
    judged: int
    dead: int
    in_flight: int
    missing: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A verdict that stands for several offsets of a topic."""

    topic: str
    verdict_id: UUID
    offsets: int


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Events that came more than once under one id, or were replayed: ``extra`` offsets beyond the first of each.

    They are judged every time and counted once. ``examples`` are those that came most often.
    """

    ids: int
    extra: int
    examples: tuple[Duplicate, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """How every event ended, by topic, partition and hour of arrival."""

    hours: tuple[HourAccount, ...]
    missing: tuple[MissingRange, ...]
    duplicates: Duplicates
    totals: Totals

    @property
    def complete(self) -> bool:
        """Whether nothing is missing; what is in flight is not missing."""
        return not self.missing


def audit(settings: Settings) -> Audit:
    """Account for every event that the input topics hold.

    Raises:
        UnavailableError: the broker or the store does not answer.
        ConfigError: the store has no tables.
    """
    with KafkaAdmin(settings) as admin, Store.of(settings) as store, VoidOffsets(settings) as reader:
        facts = _facts(settings, admin, store, reader)
        duplicates = _duplicates(store, [settings.topics.of(topic) for topic in _INPUTS])
        accounts = [account(replace(each, void=reader.among(each.place, unended(each)))) for each in facts]
    return _summary(accounts, duplicates)


def _facts(settings: Settings, admin: KafkaAdmin, store: Store, reader: VoidOffsets) -> list[PartitionFacts]:
    inputs = admin.describe(map(settings.topics.of, _INPUTS))
    held = admin.spans(inputs.values())
    hours = _hours(admin, held)
    committed = admin.committed(worker_group(settings))
    outputs = admin.spans(admin.describe(topics_to_store(settings)).values())
    stored = admin.committed(store_group(settings))
    all_stored = all(_is_stored(place, span, stored.get(place), reader) for place, span in outputs.items())
    ranges = {name: _Ranges(store, topic) for name, topic in inputs.items()}
    return [
        PartitionFacts(
            place=place,
            held=span,
            hours=tuple(hours[place]),
            judged=ranges[place.topic].of(place.partition, judged=True),
            dead=ranges[place.topic].of(place.partition, judged=False),
            committed=committed.get(place, span.first),
            all_stored=all_stored,
        )
        for place, span in sorted(held.items())
    ]


def _is_stored(place: Place, span: OffsetRange, committed: int | None, reader: VoidOffsets) -> bool:
    """Whether the writer has stored all of a partition: nothing is left of it, or transaction markers only."""
    tail = OffsetRange(max(span.first, committed or 0), span.past)
    if len(tail) > _MARKERS:
        return False
    return not without(tail, reader.among(place, [tail]))


class _Ranges:
    """The offsets of one topic that ended."""

    def __init__(self, store: Store, topic: TopicDescription) -> None:
        self._rows = store.select(query("ledger_ranges"), topic=topic.name, topic_id=topic.topic_id)

    def of(self, partition: int, *, judged: bool) -> tuple[OffsetRange, ...]:
        return tuple(
            OffsetRange(row["first"], row["past"])
            for row in self._rows
            if row["partition"] == partition and bool(row["judged"]) == judged
        )


def _hours(admin: KafkaAdmin, held: Mapping[Place, OffsetRange]) -> Mapping[Place, list[HourStart]]:
    """The hours in which each partition took something in, by the broker's clock: one question an hour."""
    starts: dict[Place, list[HourStart]] = {place: [] for place in held}
    asked = {place: 0 for place, span in held.items() if len(span)}
    while asked:
        found = admin.first_since(asked)
        starts_now = {place: first for place, first in found.items() if first.offset < held[place].past}
        for place, first in starts_now.items():
            starts[place].append(HourStart(_hour_of(first), first.offset))
        asked = {place: (first.milliseconds // _HOUR_MS + 1) * _HOUR_MS for place, first in starts_now.items()}
    return starts


def _hour_of(first: FirstSince) -> datetime:
    return datetime.fromtimestamp(first.milliseconds // _HOUR_MS * 3600, UTC)


def _duplicates(store: Store, topics: Sequence[str]) -> Duplicates:
    rows: Sequence[Mapping[str, Any]] = store.select(query("duplicates"), topics=topics, examples=_EXAMPLES)
    examples = tuple(Duplicate(row["topic"], row["verdict_id"], row["offsets"]) for row in rows)
    return Duplicates(rows[0]["ids"] if rows else 0, rows[0]["extra"] if rows else 0, examples)


def _summary(accounts: Iterable[PartitionAccount], duplicates: Duplicates) -> Audit:
    partitions = list(accounts)
    hours = tuple(hour for each in partitions for hour in each.hours)
    totals = Totals(
        came_in=sum(hour.came_in for hour in hours),
        judged=sum(hour.judged for hour in hours),
        dead=sum(hour.dead for hour in hours),
        in_flight=sum(hour.in_flight for hour in hours),
        missing=sum(hour.missing for hour in hours),
    )
    return Audit(hours, tuple(gap for each in partitions for gap in each.missing), duplicates, totals)
