"""The ledger's arithmetic: every offset of a partition is judged, dead, in flight or missing. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from streams.kafka_admin import Place
from streams.offset_ranges import OffsetRange, count, within, without


@dataclass(frozen=True, slots=True)
class HourStart:
    """The first offset that the broker took in during an hour."""

    hour: datetime
    first: int


@dataclass(frozen=True, slots=True)
class PartitionFacts:
    """What is known of one input partition.

    ``held`` is what the partition holds; ``hours`` are its hours in order, the first starting at or before ``held``.
    ``void`` are offsets that hold no event, such as transaction markers. Below ``committed`` the stage has published
    how each event ended; ``all_stored`` says that all of that has also reached the store.
    """

    place: Place
    held: OffsetRange
    hours: tuple[HourStart, ...]
    judged: tuple[OffsetRange, ...]
    dead: tuple[OffsetRange, ...]
    committed: int
    all_stored: bool
    void: tuple[OffsetRange, ...] = ()


@dataclass(frozen=True, slots=True)
class HourAccount:
    """One partition and hour. ``came_in`` = ``judged`` + ``dead`` + ``in_flight`` + ``missing``, always."""

    topic: str
    partition: int
    hour: datetime
    came_in: int
    judged: int
    dead: int
    in_flight: int
    missing: int


@dataclass(frozen=True, slots=True)
class MissingRange:
    """Consecutive offsets of events that ended nowhere: ``first`` to ``last``."""

    topic: str
    partition: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class PartitionAccount:
    """One partition, hour by hour, and what is missing of it."""

    hours: tuple[HourAccount, ...]
    missing: tuple[MissingRange, ...]


def unended(facts: PartitionFacts) -> tuple[OffsetRange, ...]:
    """The offsets of which the ledger has nothing: in flight, missing, or not events at all."""
    return without(facts.held, [*facts.judged, *facts.dead])


def account(facts: PartitionFacts) -> PartitionAccount:
    """How every event of the partition ended, if it did."""
    open_ranges = [left for gap in unended(facts) for left in without(gap, facts.void)]
    missing = _missing(facts, open_ranges)
    hours = tuple(_hour(facts, hour, span, open_ranges, missing) for hour, span in _spans(facts))
    named = tuple(MissingRange(facts.place.topic, facts.place.partition, each.first, each.past - 1) for each in missing)
    return PartitionAccount(hours, named)


def _missing(facts: PartitionFacts, open_ranges: Iterable[OffsetRange]) -> tuple[OffsetRange, ...]:
    """What the stage is done with, and all of whose results are stored, must be in the ledger."""
    done = OffsetRange(facts.held.first, facts.committed if facts.all_stored else facts.held.first)
    return within(done, open_ranges)


def _hour(
    facts: PartitionFacts,
    hour: datetime,
    span: OffsetRange,
    open_ranges: Sequence[OffsetRange],
    missing: Sequence[OffsetRange],
) -> HourAccount:
    judged = count(within(span, facts.judged))
    ended = count(within(span, [*facts.judged, *facts.dead]))
    lost = count(within(span, missing))
    unsettled = count(within(span, open_ranges))
    return HourAccount(
        topic=facts.place.topic,
        partition=facts.place.partition,
        hour=hour,
        came_in=ended + unsettled,
        judged=judged,
        dead=ended - judged,
        in_flight=unsettled - lost,
        missing=lost,
    )


def _spans(facts: PartitionFacts) -> list[tuple[datetime, OffsetRange]]:
    """The offsets of each hour that holds any; what stands before the first hour counts with it."""
    if not facts.hours:
        return []
    starts = [facts.held.first, *(start.first for start in facts.hours[1:]), facts.held.past]
    pairs = zip(facts.hours, starts, starts[1:], strict=False)
    spans = [(start.hour, facts.held.overlap(OffsetRange(first, past))) for start, first, past in pairs]
    return [(hour, span) for hour, span in spans if len(span)]
