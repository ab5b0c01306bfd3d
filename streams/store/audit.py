"""The ledger: every event that came in was judged, died, or is on its way; what is missing is named.

An audit runs beside a working system, so the order of its questions matters. What each of them finds may only be
older than what the next one finds:

1. the ends of the inputs: nothing that arrives later is asked about;
2. what the stages have committed: everything below was published by then, within transactions that were not taken back;
3. the ends of settlements and replies up to which every transaction is over: what belongs to them is written;
4. the ends of everything stored, with what open transactions wrote: all that was published by 2 and 3 lies below;
5. what the writer has committed: below the ends of 4, everything is stored, or else it is still on its way;
6. the store, which by then holds all that 5 says is stored.

In any other order an event that moves on between two questions could look lost. An event that screen cannot read is
passed over by settle, which may be ahead: at settle it can be missing only once screen is done with it too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from schemas.topics import COMPLETIONS, FEEDBACK, INTERACTIONS, REPLIES, REQUESTS, SETTLED, Topic
from streams.kafka.admin import FirstSince, KafkaAdmin
from streams.kafka.consumer_groups import settle_group, store_group, worker_group
from streams.kafka.offset_ranges import OffsetRange, without
from streams.kafka.place import Place
from streams.kafka.topic_descriptions import TopicDescription
from streams.settings import Settings
from streams.store.accounting import (
    Endings,
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
from streams.store.reply_check import ReplyCheck, ReplyScope, check_replies
from streams.store.sql import query
from streams.store.void_offsets import VoidOffsets


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A stage that every event of a topic has to pass, or has to have ended at one ``before`` it.

    ``groups`` are the consumer groups that are done with an event once they have committed it.
    """

    topic: Topic
    stage: str
    groups: tuple[Callable[[Settings], str], ...]
    before: tuple[str, ...] = ()


CHECKPOINTS: Final = (
    Checkpoint(REQUESTS, "screen", (worker_group,)),
    Checkpoint(REQUESTS, "settle", (settle_group, worker_group), before=("screen",)),
    Checkpoint(COMPLETIONS, "judge", (worker_group,)),
    Checkpoint(INTERACTIONS, "observe", (worker_group,)),
    Checkpoint(FEEDBACK, "collect", (worker_group,)),
)
_INPUTS: Final = tuple(dict.fromkeys(checkpoint.topic for checkpoint in CHECKPOINTS))
_HOUR_MS: Final = 3_600_000
_EXAMPLES: Final = 20
_MARKERS: Final = 100  # a longer tail is not made of transaction markers


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a topic at a stage, as in ``HourAccount``."""

    topic: str
    stage: str
    came_in: int = 0
    done: int = 0
    dead: int = 0
    in_flight: int = 0
    held: int = 0
    missing: int = 0


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
    """How every event ended, by topic and stage, partition and hour of arrival; and whether the replies agree."""

    totals: tuple[Totals, ...]
    hours: tuple[HourAccount, ...]
    missing: tuple[MissingRange, ...]
    duplicates: Duplicates
    replies: ReplyCheck

    @property
    def complete(self) -> bool:
        """Whether nothing is missing and no reply is amiss; what is in flight is not missing."""
        return not self.missing and self.replies.passed


def audit(settings: Settings) -> Audit:
    """Account for every event that the input topics hold.

    Raises:
        UnavailableError: the broker or the store does not answer.
        ConfigError: the store has no tables.
    """
    with KafkaAdmin(settings) as admin, Store.of(settings) as store, VoidOffsets(settings) as reader:
        seen = _look(settings, admin, reader)
        facts = [fact for checkpoint in CHECKPOINTS for fact in _facts(settings, checkpoint, seen, store)]
        duplicates = _duplicates(store, [settings.topics.of(topic) for topic in _INPUTS])
        replies = _check_replies(settings, seen, store)
        accounts = [account(replace(each, void=reader.among(each.place, unended(each)))) for each in facts]
    return _summary(
        [(settings.topics.of(each.topic), each.stage) for each in CHECKPOINTS], accounts, duplicates, replies
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the broker said, in the order of the questions. ``finished`` are the spans of question 3."""

    topics: Mapping[str, TopicDescription]
    spans: Mapping[Place, OffsetRange]
    hours: Mapping[Place, Sequence[HourStart]]
    committed: Mapping[str, Mapping[Place, int]]
    finished: Mapping[Place, OffsetRange]
    all_stored: bool


def _look(settings: Settings, admin: KafkaAdmin, reader: VoidOffsets) -> _Seen:
    topics = admin.describe(map(settings.topics.of, (*_INPUTS, SETTLED, REPLIES)))
    spans = admin.spans(_of(settings, topics, _INPUTS))
    hours = _hours(admin, spans)
    groups = {group(settings) for checkpoint in CHECKPOINTS for group in checkpoint.groups}
    committed = {group: admin.committed(group) for group in groups}
    finished = admin.spans(_of(settings, topics, (SETTLED, REPLIES)))
    outputs = admin.spans(admin.describe(topics_to_store(settings)).values(), unfinished=True)
    stored = admin.committed(store_group(settings))
    all_stored = all(_is_stored(place, span, stored.get(place), reader) for place, span in outputs.items())
    return _Seen(topics, spans, hours, committed, finished, all_stored)


def _of(
    settings: Settings, found: Mapping[str, TopicDescription], topics: Iterable[Topic]
) -> Sequence[TopicDescription]:
    names = map(settings.topics.of, topics)
    return [found[name] for name in names if name in found]


def _is_stored(place: Place, span: OffsetRange, committed: int | None, reader: VoidOffsets) -> bool:
    """Whether the writer has stored all of a partition: nothing is left of it, or transaction markers only."""
    tail = OffsetRange(max(span.first, committed or 0), span.past)
    if len(tail) > _MARKERS:
        return False
    return not without(tail, reader.among(place, [tail]))


def _facts(settings: Settings, checkpoint: Checkpoint, seen: _Seen, store: Store) -> list[PartitionFacts]:
    name = settings.topics.of(checkpoint.topic)
    spans = {place: span for place, span in sorted(seen.spans.items()) if place.topic == name}
    if not spans:
        return []
    known = _Known(store, checkpoint, seen.topics[name], min(span.first for span in spans.values()))
    committed = [seen.committed[group(settings)] for group in checkpoint.groups]
    return [
        PartitionFacts(
            place=place,
            stage=checkpoint.stage,
            span=span,
            hours=tuple(seen.hours[place]),
            endings=known.endings(place.partition),
            committed=min(offsets.get(place, span.first) for offsets in committed),
            all_stored=seen.all_stored,
        )
        for place, span in spans.items()
    ]


class _Known:
    """How the offsets of one topic, from ``first`` on, stand at one stage."""

    def __init__(self, store: Store, checkpoint: Checkpoint, topic: TopicDescription, first: int) -> None:
        which = {"topic": topic.name, "topic_id": topic.topic_id, "first": first}
        stages = {"stage": checkpoint.stage, "before": list(checkpoint.before)}
        self._ledger = store.select(query("ledger_ranges"), **which, **stages)
        settles = checkpoint.stage == "settle"
        self._settlements = store.select(query("settlement_ranges"), **which) if settles else ()

    def endings(self, partition: int) -> Endings:
        ledger = [row for row in self._ledger if row["partition"] == partition]
        settlements = [row for row in self._settlements if row["partition"] == partition]
        return Endings(
            done=_ranges(row for row in ledger if row["judged"]) + _ranges(_in_state(settlements, "settled")),
            dead=_ranges(row for row in ledger if not row["judged"]),
            open=_ranges(_in_state(settlements, "open")),
            held=_ranges(_in_state(settlements, "held")),
        )


def _in_state(rows: Iterable[Mapping[str, Any]], state: str) -> Iterator[Mapping[str, Any]]:
    return (row for row in rows if row["state"] == state)


def _ranges(rows: Iterable[Mapping[str, Any]]) -> tuple[OffsetRange, ...]:
    return tuple(OffsetRange(row["first"], row["past"]) for row in rows)


def _check_replies(settings: Settings, seen: _Seen, store: Store) -> ReplyCheck:
    requests, settled, replies = (seen.topics.get(settings.topics.of(each)) for each in (REQUESTS, SETTLED, REPLIES))
    if not (seen.all_stored and requests and settled and replies):
        return ReplyCheck()
    scope = ReplyScope(requests, settled, replies, {**seen.spans, **seen.finished})
    return check_replies(store, scope, settings.settled_hours * 3600)


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


def _summary(
    checkpoints: Iterable[tuple[str, str]],
    accounts: Iterable[PartitionAccount],
    duplicates: Duplicates,
    replies: ReplyCheck,
) -> Audit:
    partitions = list(accounts)
    hours = tuple(hour for each in partitions for hour in each.hours)
    totals = tuple(_total(topic, stage, hours) for topic, stage in checkpoints)
    return Audit(totals, hours, tuple(gap for each in partitions for gap in each.missing), duplicates, replies)


def _total(topic: str, stage: str, hours: Iterable[HourAccount]) -> Totals:
    own = [hour for hour in hours if (hour.topic, hour.stage) == (topic, stage)]
    names = ("came_in", "done", "dead", "in_flight", "held", "missing")
    return Totals(topic, stage, **{name: sum(getattr(hour, name) for hour in own) for name in names})
