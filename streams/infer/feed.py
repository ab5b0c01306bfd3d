"""The work that this member of the group is given, and how far it is done."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.codec import Message
from schemas.topics import MIB, TOPICS, WORK
from streams.agents.offsets import PartitionLedger
from streams.infer.answered import SPAN, read_note, write_note
from streams.kafka.clients import confluent_config, membership
from streams.kafka.consumer_groups import infer_group
from streams.kafka.place import Place
from streams.kafka.received import is_message, received_message
from streams.logs import get_logger
from streams.settings import Settings

AHEAD: Final = 4_096
"""Messages of one topic that are read ahead: among so many, one app's flood does not hide what others ask."""

_AHEAD_BYTES: Final = 32 * MIB
_AT_ONCE: Final = 256  # messages of one poll
_SECONDS: Final = 10.0
_LARGEST: Final = max(topic.max_message_bytes for topic in TOPICS)
_log = get_logger("streams.infer")

Handler = Callable[[], None]
Gone = Callable[[frozenset[Place]], None]


@dataclass(slots=True)
class _Partition:
    """A partition of ours: what was read, what of that is not done (bytes by offset), and what was done before."""

    answered: frozenset[int]
    ledger: PartitionLedger = field(default_factory=PartitionLedger)
    open: dict[int, int] = field(default_factory=dict)
    size: int = 0
    last: int = -1
    resting: bool = False

    @property
    def span(self) -> int:
        """Offsets from the first that is not done to the last that was read."""
        first = self.ledger.first_open()
        return 0 if first is None else self.last - first


class Feed:
    """Work as it comes. For one thread.

    A topic of which much is read and not done rests; polling goes on. ``before_handover`` is called before partitions
    are handed over, with them still ours, and ``gone`` when they are: whoever has them next reads what is not done.
    """

    def __init__(self, settings: Settings, ahead: int = AHEAD) -> None:
        self._settings = settings
        self._ahead = ahead
        self._partitions: dict[Place, _Partition] = {}
        self._noted: dict[Place, tuple[int, str]] = {}  # what the group has of us
        self._consumer: Consumer | None = None
        self._cut_off = False
        self._closed = False
        self._before_handover: Handler = _nothing
        self._gone: Gone = _nobody
        self.assigned = False

    def open(self, before_handover: Handler, gone: Gone) -> None:
        """Ask to join the group."""
        self._before_handover, self._gone = before_handover, gone
        config = {
            **confluent_config(self._settings),
            "group.id": infer_group(self._settings),
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",  # settle writes work in transactions
            # A member that comes or goes takes only what it is to have from the others: nobody else starts anew.
            "partition.assignment.strategy": "cooperative-sticky",
            **membership(self._settings),
            "topic.metadata.refresh.interval.ms": 10_000,  # a topic made after the start is found soon
            "reconnect.backoff.max.ms": 2_000,
            "log_level": 2,  # the library would print twenty lines a second while no broker answers
            "error_cb": self._on_error,
            # Memory is bounded by what is fetched ahead; the broker sends one message whatever its size.
            "queued.max.messages.kbytes": 16 * 1024,
            "fetch.queue.backoff.ms": 10,
            "fetch.message.max.bytes": 4 * MIB,
            "fetch.max.bytes": 16 * MIB,
            "receive.message.max.bytes": _LARGEST + 16 * MIB,
        }
        self._consumer = Consumer(config)
        self._consumer.subscribe(
            [self._settings.topics.of(topic) for topic in WORK],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def close(self) -> None:
        """Leave the group, at once. What was read and is not done is read by another."""
        self.assigned = False
        self._closed = True
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def poll(self, seconds: float) -> Sequence[Message]:
        """What is there already, or the first to come within so many seconds. Keeps the place in the group.

        Raises:
            UnavailableError: the consumer cannot go on at all.
        """
        self._rest()
        found: list[Message] = []
        wait = seconds
        for _ in range(_AT_ONCE):
            # One by one: a message that `poll` returns is younger than any change of partitions told so far, while
            # of several some may be older, and belong to somebody else by now.
            received = self._opened.poll(wait)
            if received is None:
                break
            wait = 0.0
            if is_message(received):
                self._cut_off = False
                message = received_message(received)
                if self._deliver(message):
                    found.append(message)
        return [message for message in found if self.has(message)]

    def has(self, message: Message) -> bool:
        """Whether a message is still ours to answer, and is not done."""
        partition = self._partitions.get(Place(message.topic, message.partition))
        return partition is not None and message.offset in partition.open

    def finish(self, messages: Iterable[Message]) -> None:
        """Note that these are done. The group learns it with ``progress``."""
        for message in messages:
            partition = self._partitions.get(Place(message.topic, message.partition))
            if partition is not None:
                partition.size -= partition.open.pop(message.offset, 0)
                partition.ledger.acknowledge(message.offset)

    def progress(self, done: Iterable[Message] = ()) -> list[TopicPartition]:
        """What the group is to know that it does not: how far each partition is done, and what is beyond.

        As it will be once the messages in ``done`` are. ``acknowledged`` says that the group knows it now.
        """
        self.finish(done)
        found = []
        for place, partition in self._partitions.items():
            first = partition.ledger.first_open()
            base = first if first is not None else partition.ledger.position()
            if base is None:
                continue
            note = write_note(base, partition.ledger.ahead() if first is not None else ())
            if self._noted.get(place) != (base, note):
                found.append(TopicPartition(place.topic, place.partition, base, note))
        return found

    def acknowledged(self, offsets: Iterable[TopicPartition]) -> None:
        """The group knows these."""
        for each in offsets:
            self._noted[Place(each.topic, each.partition)] = (each.offset, each.metadata or "")

    @property
    def member(self) -> object:
        """What proves to the broker that this is still the member that it was."""
        return self._opened.consumer_group_metadata()

    @property
    def _opened(self) -> Consumer:
        if self._consumer is None:
            raise RuntimeError("the feed is not open")
        return self._consumer

    def _deliver(self, message: Message) -> bool:
        """Take a message in; whether it wants an answer."""
        partition = self._partitions.get(Place(message.topic, message.partition))
        if partition is None:
            return False
        partition.ledger.deliver(message.offset)
        partition.last = message.offset
        if message.offset in partition.answered:
            partition.ledger.acknowledge(message.offset)
            return False
        size = len(message.value or b"")
        partition.open[message.offset] = size
        partition.size += size
        return True

    def _rest(self) -> None:
        """Pause what is full, and read on what no longer is."""
        for topic in (self._settings.topics.of(each) for each in WORK):
            mine = {place: each for place, each in self._partitions.items() if place.topic == topic}
            count = sum(len(each.open) for each in mine.values())
            size = sum(each.size for each in mine.values())
            full = count >= self._ahead or size >= _AHEAD_BYTES
            for place, partition in mine.items():
                rests = full or partition.span >= SPAN - 2 * self._ahead
                if rests != partition.resting:
                    where = [TopicPartition(place.topic, place.partition)]
                    (self._opened.pause if rests else self._opened.resume)(where)
                    partition.resting = rests

    def _on_error(self, error: KafkaError) -> None:
        # Single connections come and go; without any broker somebody should know, but not every time.
        if error.code() == KafkaError._ALL_BROKERS_DOWN and not self._cut_off:  # noqa: SLF001 - the constant's public name
            self._cut_off = True
            _log.warning("no broker answers")

    def _on_assign(self, consumer: Consumer, partitions: Iterable[TopicPartition]) -> None:
        given = list(partitions)
        for each, answered in zip(given, self._answered(consumer, given), strict=True):
            self._partitions[Place(each.topic, each.partition)] = _Partition(answered)
        consumer.incremental_assign(given)
        # A pause outlives a rebalance: a partition that was paused before it changed hands would stay silent.
        consumer.resume(given)
        self.assigned = True
        _log.info("partitions assigned", partitions=len(given))

    def _answered(self, consumer: Consumer, given: list[TopicPartition]) -> list[frozenset[int]]:
        """What is answered of each partition beyond where it is read from."""
        if not given:
            return []
        try:
            committed = consumer.committed(given, timeout=_SECONDS)
        except KafkaException as error:
            _log.warning("what is answered already is not known", reason=error.args[0].name())
            return [frozenset()] * len(given)
        notes = {Place(each.topic, each.partition): read_note(each.offset, each.metadata) for each in committed}
        return [notes.get(Place(each.topic, each.partition), frozenset()) for each in given]

    def _on_revoke(self, consumer: Consumer, partitions: Iterable[TopicPartition]) -> None:
        if not self._closed:
            self._before_handover()
        self._on_lost(consumer, partitions)

    def _on_lost(self, consumer: Consumer, partitions: Iterable[TopicPartition]) -> None:
        gone = list(partitions)
        consumer.incremental_unassign(gone)
        places = frozenset(Place(each.topic, each.partition) for each in gone)
        for place in places:
            self._partitions.pop(place, None)
            self._noted.pop(place, None)
        self._gone(places)


def _nothing() -> None:
    """Nobody wants to know."""


def _nobody(places: frozenset[Place]) -> None:
    """Nobody wants to know."""
