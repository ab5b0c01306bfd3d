"""The work that this member of the group is given: what is interactive always before what is not."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as Received

from schemas.codec import Message
from schemas.errors import UnavailableError
from schemas.topics import MIB, TOPICS, WORK
from streams.agents.batch import cut
from streams.consumer_groups import infer_group
from streams.kafka_admin import Place
from streams.kafka_clients import confluent_config
from streams.logs import get_logger
from streams.received import received_message
from streams.settings import Settings

_AHEAD_BYTES: Final = 32 * MIB
_LARGEST: Final = max(topic.max_message_bytes for topic in TOPICS)
_log = get_logger("streams.infer")


class Feed:
    """Work read ahead, a queue for each topic, the first served first. For one thread.

    A queue that holds ``ahead`` messages, or many bytes, is full: its topic rests, and the other one is read on. What
    was read of partitions that are handed over is forgotten, for whoever has them then reads it.
    """

    def __init__(self, settings: Settings, ahead: int) -> None:
        self._settings = settings
        self._ahead = ahead
        self._queues: dict[str, deque[Message]] = {settings.topics.of(topic): deque() for topic in WORK}
        self._resting: set[str] = set()
        self._done: dict[Place, int] = {}  # the next offset of what is done and not committed yet
        self._consumer: Consumer | None = None
        self._cut_off = False
        self.assigned = False

    def open(self) -> None:
        """Ask to join the group."""
        config = {
            **confluent_config(self._settings),
            "group.id": infer_group(self._settings),
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",  # settle writes work in transactions
            # A member that comes or goes takes only what it is to have from the others: nobody starts a batch anew.
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 6_000,  # the shortest that brokers allow: after a kill -9 others wait this long
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
            list(self._queues), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    def close(self) -> None:
        """Leave the group, at once. What was read and is not committed is read by another."""
        self.assigned = False
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def poll(self, seconds: float) -> None:
        """Read what is there already, or the first to come within so many seconds. Keeps the place in the group.

        Raises:
            UnavailableError: the consumer cannot go on at all.
        """
        self._commit()
        wait = seconds
        for _ in range(self._ahead):
            self._rest()
            # One by one: a message that `poll` returns is younger than any change of partitions told so far, while
            # of several some may be older, and belong to somebody else by now.
            received = self._opened.poll(wait)
            if received is None:
                return
            wait = 0.0
            if self._is_message(received):
                self._cut_off = False
                message = received_message(received)
                self._queues[message.topic].append(message)

    def take(self, limit: int) -> Sequence[Message]:
        """So many messages of one topic at most, fewer of large ones, in order: interactive work if there is any."""
        queue = next(filter(None, self._queues.values()), deque[Message]())
        found = list(islice(queue, limit))
        taken = found[next(cut([_size(message) for message in found]), slice(0))]
        for _ in taken:
            queue.popleft()
        return taken

    def commit(self, messages: Iterable[Message]) -> None:
        """Record that these and everything before them are done.

        The group refuses while it changes: then it is said again with the next poll. What is not recorded before a
        partition is handed over is done again.
        """
        for each in messages:
            self._done[Place(each.topic, each.partition)] = each.offset + 1
        self._commit()

    @property
    def _opened(self) -> Consumer:
        if self._consumer is None:
            raise RuntimeError("the feed is not open")
        return self._consumer

    def _commit(self) -> None:
        mine = {Place(each.topic, each.partition) for each in self._opened.assignment()}
        self._done = {place: offset for place, offset in self._done.items() if place in mine}
        if not self._done:
            return
        offsets = [TopicPartition(place.topic, place.partition, offset) for place, offset in self._done.items()]
        try:
            self._opened.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            _log.warning("offsets not committed yet", reason=error.args[0].name())
        else:
            self._done.clear()

    def _rest(self) -> None:
        """Pause what is full, and read on what no longer is."""
        for topic, queue in self._queues.items():
            full = len(queue) >= self._ahead or sum(map(_size, queue)) >= _AHEAD_BYTES
            if full != (topic in self._resting):
                mine = [each for each in self._opened.assignment() if each.topic == topic]
                (self._opened.pause if full else self._opened.resume)(mine)
                (self._resting.add if full else self._resting.discard)(topic)

    def _is_message(self, received: Received) -> bool:
        error = received.error()
        if error is None:
            return True
        if error.fatal():
            raise UnavailableError(f"the consumer failed: {error.name()}")
        if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own codes begin so
            _log.warning("broker error", reason=error.name(), topic=received.topic())
        return False

    def _on_error(self, error: KafkaError) -> None:
        # Single connections come and go; without any broker somebody should know, but not every time.
        if error.code() == KafkaError._ALL_BROKERS_DOWN and not self._cut_off:  # noqa: SLF001 - the constant's public name
            self._cut_off = True
            _log.warning("no broker answers")

    def _on_assign(self, consumer: Consumer, partitions: Iterable[TopicPartition]) -> None:
        given = list(partitions)
        consumer.incremental_assign(given)
        # A pause outlives a rebalance: a partition that was paused before it changed hands would stay silent.
        consumer.resume(given)
        self._resting.clear()  # found out anew, for all partitions of a topic alike
        self.assigned = True
        _log.info("partitions assigned", partitions=len(given))

    def _on_revoke(self, consumer: Consumer, partitions: Iterable[TopicPartition]) -> None:
        self._commit()
        gone = list(partitions)
        consumer.incremental_unassign(gone)
        places = {Place(each.topic, each.partition) for each in gone}
        for topic, queue in self._queues.items():
            self._queues[topic] = deque(m for m in queue if Place(m.topic, m.partition) not in places)


def _size(message: Message) -> int:
    return len(message.value or b"")
