"""One process's time as the one that settles: from taking over to the first thing that goes wrong."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from confluent_kafka import TopicPartition

from schemas.codec import Message
from schemas.errors import UnavailableError
from schemas.reply import Settlement
from schemas.topics import REQUESTS
from streams.kafka.consumer_groups import settle_group
from streams.kafka.membership import Membership
from streams.kafka.place import Place
from streams.kafka.topic_descriptions import TopicDescriber, TopicDescription, described
from streams.kafka.transactions import Transactions
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.policies.assignment import Policies
from streams.settings import Settings
from streams.settle.counting import count, trace
from streams.settle.entry import moment
from streams.settle.feed import Feed, HeldOutcomes, settled_records
from streams.settle.publishing import Scribe
from streams.settle.settlements import Origin, identity_of
from streams.settle.state import Settler, Terms
from streams.settle.step import INPUTS, Consequence, PoisonError, Step
from streams.stage import Publication
from streams.tracing.tracer import NoTracer, Tracer

_AT_ONCE: Final = 500  # messages, and requests that are due, in one transaction
_LONGEST_WAIT_SECONDS: Final = 0.1
_CHECK_SECONDS: Final = 30.0
_REFRESH_SECONDS: Final = 86_400.0  # offsets of quiet partitions are committed again before the broker forgets them
_log = get_logger("streams.settle")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a tenure is given. ``poison`` are the spots of messages that the rules have failed on; it adds to them."""

    settings: Settings
    metrics: Metrics
    policies: Policies
    membership: Membership
    poison: set[tuple[str, int, int]]
    clock: Callable[[], float] = time.time
    tracer: Tracer = field(default_factory=NoTracer)


class Tenure:
    """Takes over, then turns. Whatever is raised: close it, and take over anew.

    Raises, from ``begin`` and ``turn``:
        UnavailableError: the broker does not answer, topics have changed, or the rules failed on a message.
        DeposedError: another process has taken over.
    """

    def __init__(self, given: Surroundings) -> None:
        self._given = given
        self._describer = TopicDescriber(given.settings)
        self._transactions = Transactions(given.settings, settle_group(given.settings))
        self._feed = Feed(given.settings)
        self._held = HeldOutcomes(given.settings)
        self._scribe = Scribe(given.settings.topics)
        self._topics: Mapping[str, TopicDescription] = {}
        self._next: dict[Place, int] = {}
        self._checked = 0.0
        self._refreshed = float("-inf")
        self.turns = 0

    def begin(self) -> None:
        """Depose whoever settled before, restore the state, and start to read the inputs."""
        settings = self._given.settings
        self._transactions.open()
        self._topics = self._described()
        requests = settings.topics.of(REQUESTS)
        origin = Origin(requests, self._topics[requests].topic_id)
        remember = round(settings.settled_hours * 3_600_000)
        self._settler = Settler(Terms(origin, self._given.policies, self._held, remember))
        known = self._restore(origin)
        places = (Place(topic.name, n) for topic in self._topics.values() for n in range(topic.partitions))
        self._next = dict(self._feed.begin(places, known))
        self._settler.go_on({place.partition: at for place, at in self._next.items() if place.topic == requests})
        self._step = Step(self._settler, settings.topics, self._given.policies, self._given.poison)

    def close(self) -> None:
        """Let go of every connection."""
        for part in (self._feed, self._held, self._transactions, self._describer):
            part.close()

    def turn(self) -> None:
        """Settle what has come and what is due; wait a moment if there is neither."""
        messages = self._feed.poll(self._patience(), _AT_ONCE)
        now = self._now()
        consequences, publications = self._consequences(messages, now)
        read = _read(messages)
        self._next.update(read)
        if time.monotonic() - self._refreshed > _REFRESH_SECONDS:
            # With the first turn, so that a partition without an offset is one whose offset was forgotten: outcomes
            # may be ahead of their requests, and tell nothing of how far an untouched partition was read.
            read, self._refreshed = self._next, time.monotonic()
        if publications or read:
            start = time.perf_counter()
            offsets = [TopicPartition(place.topic, place.partition, offset) for place, offset in read.items()]
            self._transactions.write(publications, offsets, self._given.membership.metadata)
            self._given.metrics.transaction_seconds.observe(time.perf_counter() - start)
        self.turns += 1
        count(self._given.metrics, consequences, self._settler.book)
        trace(self._given.tracer, consequences, moment(now))
        if time.monotonic() - self._checked > _CHECK_SECONDS and self._described() != self._topics:
            raise UnavailableError("the topics have changed")

    def _consequences(
        self, messages: Sequence[Message], now: int
    ) -> tuple[Sequence[Consequence], Sequence[Publication]]:
        """What follows, and what is written of it. A message that the rules fail on becomes a dead letter next time."""
        try:
            consequences = self._step.process(messages, now, _AT_ONCE)
            return consequences, self._scribe.publications(consequences, moment(now))
        except PoisonError as error:
            _log.error("the rules failed on a message", spot=error.spot, error=type(error.__cause__).__name__)
            self._given.poison.add(error.spot)
            raise UnavailableError("the rules failed on a message") from None

    def _restore(self, origin: Origin) -> Mapping[Place, int]:
        """Restore the state; how far the partitions of ``requests`` had been read at least."""
        start, records = time.monotonic(), 0
        known: dict[Place, int] = {}
        for message in settled_records(self._given.settings, self._given.membership.beat):
            state = _state(message)
            if state is None:
                _log.error("a state cannot be read", partition=message.partition, offset=message.offset)
                continue
            self._settler.restore(state.key, state.settlement, self._now())
            for each in map(origin.place, state.settlement.positions if state.settlement else ()):
                if each is not None:
                    place = Place(origin.topic, each.partition)
                    known[place] = max(known.get(place, 0), each.offset + 1)
            records += 1
        self._given.metrics.restores.inc()
        book = self._settler.book
        seconds = round(time.monotonic() - start, 3)
        _log.info("restored", records=records, open=book.open, held=book.held, settled=book.settled, seconds=seconds)
        return known

    def _described(self) -> Mapping[str, TopicDescription]:
        """The inputs as they are. Offsets mean nothing in a topic created anew; a new partition has to be read."""
        self._checked = time.monotonic()
        return described(self._describer, map(self._given.settings.topics.of, INPUTS))

    def _patience(self) -> float:
        """Seconds to wait for messages: until something is due at the longest."""
        due = self._settler.book.next_due
        if due is None:
            return _LONGEST_WAIT_SECONDS
        return min(max((due - self._now()) / 1000, 0.0), _LONGEST_WAIT_SECONDS)

    def _now(self) -> int:
        return round(self._given.clock() * 1000)


def _read(messages: Iterable[Message]) -> Mapping[Place, int]:
    """How far the messages reach: the offset of the next one in each partition."""
    return {Place(message.topic, message.partition): message.offset + 1 for message in messages}


@dataclass(frozen=True, slots=True)
class _State:
    """One message of ``settled``."""

    key: bytes
    settlement: Settlement | None


def _state(message: Message) -> _State | None:
    """The state in a message; None where somebody else wrote it."""
    try:
        settlement = Settlement.model_validate_json(message.value) if message.value else None
        key = UUID((message.key or b"").decode()).bytes
    except ValueError:
        return None
    if settlement is not None and identity_of(settlement).key != key:
        return None  # it would be answered under its own key, and stay in the book under this one
    return _State(key, settlement)
