"""The ledger's arithmetic: at a stage, every offset of a partition is done, dead, in flight or missing. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from streams.kafka.offset_ranges import OffsetRange, apart, count, within, without
from streams.kafka.place import Place


@dataclass(frozen=True, slots=True)
class HourStart:
    """The first offset that the broker took in during an hour."""

    hour: datetime
    first: int


@dataclass(frozen=True, slots=True)
class Endings:
    """How offsets of a partition stand at a stage, as far as the store knows.

    ``done`` were judged, or settled; ``open`` and ``held`` are known to be on their way, the latter waiting for a
    person. An offset that is in several of them counts in the first: done, open, held, dead.
    """

    done: tuple[OffsetRange, ...] = ()
    dead: tuple[OffsetRange, ...] = ()
    open: tuple[OffsetRange, ...] = ()
    held: tuple[OffsetRange, ...] = ()


@dataclass(frozen=True, slots=True)
class PartitionFacts:
    """What is known of one input partition at one stage.

    ``span`` is what the partition holds; ``hours`` are its hours in order, the first starting at or before ``span``.
    ``void`` are offsets that hold no event, such as transaction markers. Below ``committed`` the stage has published
    how each event ended; ``all_stored`` says that all of that has also reached the store.
    """

    place: Place
    stage: str
    span: OffsetRange
    hours: tuple[HourStart, ...]
    endings: Endings
    committed: int
    all_stored: bool
    void: tuple[OffsetRange, ...] = ()


@dataclass(frozen=True, slots=True)
class HourAccount:
    """One partition and hour at one stage. ``came_in`` = ``done`` + ``dead`` + ``in_flight`` + ``missing``, always.

    ``held`` are those in flight that wait for a person.
    """

    topic: str
    stage: str
    partition: int
    hour: datetime
    came_in: int
    done: int
    dead: int
    in_flight: int
    held: int
    missing: int


@dataclass(frozen=True, slots=True)
class MissingRange:
    """Consecutive offsets of events that ended nowhere at a stage: ``first`` to ``last``."""

    topic: str
    stage: str
    partition: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class PartitionAccount:
    """One partition at one stage, hour by hour, and what is missing of it."""

    hours: tuple[HourAccount, ...]
    missing: tuple[MissingRange, ...]


def unended(facts: PartitionFacts) -> tuple[OffsetRange, ...]:
    """The offsets of which the store knows nothing: in flight, missing, or not events at all."""
    known = facts.endings
    return without(facts.span, [*known.done, *known.dead, *known.open, *known.held])


def account(facts: PartitionFacts) -> PartitionAccount:
    """How every event of the partition ended at the stage, if it did."""
    shares = _share_out(facts)
    named = tuple(
        MissingRange(facts.place.topic, facts.stage, facts.place.partition, each.first, each.past - 1)
        for each in shares.missing
    )
    return PartitionAccount(tuple(_hour(facts, hour, span, shares) for hour, span in _spans(facts)), named)


@dataclass(frozen=True, slots=True)
class _Shares:
    """Every event of a partition, in exactly one of these."""

    done: Sequence[OffsetRange]
    dead: Sequence[OffsetRange]
    held: Sequence[OffsetRange]
    in_flight: Sequence[OffsetRange]
    missing: Sequence[OffsetRange]


def _share_out(facts: PartitionFacts) -> _Shares:
    known = facts.endings
    done = within(facts.span, known.done)
    opened = apart(within(facts.span, known.open), done)
    held = apart(within(facts.span, known.held), [*done, *opened])
    dead = apart(within(facts.span, known.dead), [*done, *opened, *held])
    unknown = apart(unended(facts), facts.void)
    # What the stage is done with, and all of whose results are stored, must be known to the store.
    past = facts.committed if facts.all_stored else facts.span.first
    missing = within(OffsetRange(facts.span.first, past), unknown)
    return _Shares(done, dead, held, [*opened, *apart(unknown, missing)], missing)


def _hour(facts: PartitionFacts, hour: datetime, span: OffsetRange, shares: _Shares) -> HourAccount:
    done, dead, held, in_flight, missing = (
        count(within(span, share))
        for share in (shares.done, shares.dead, shares.held, shares.in_flight, shares.missing)
    )
    return HourAccount(
        topic=facts.place.topic,
        stage=facts.stage,
        partition=facts.place.partition,
        hour=hour,
        came_in=done + dead + held + in_flight + missing,
        done=done,
        dead=dead,
        in_flight=held + in_flight,
        held=held,
        missing=missing,
    )


def _spans(facts: PartitionFacts) -> list[tuple[datetime, OffsetRange]]:
    """The offsets of each hour that holds any; what stands before the first hour counts with it."""
    if not facts.hours:
        return []
    starts = [facts.span.first, *(start.first for start in facts.hours[1:]), facts.span.past]
    pairs = zip(facts.hours, starts, starts[1:], strict=False)
    spans = [(start.hour, facts.span.overlap(OffsetRange(first, past))) for start, first, past in pairs]
    return [(hour, span) for hour, span in spans if len(span)]
