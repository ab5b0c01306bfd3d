"""Topics, read from one end to the other without joining a group."""

import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Final, Self

from confluent_kafka import Consumer, TopicPartition

from schemas.codec import Message
from schemas.topics import MIB, TOPICS
from streams.kafka.admin import KafkaAdmin
from streams.kafka.clients import confluent_config
from streams.kafka.offset_ranges import OffsetRange, count
from streams.kafka.place import Place
from streams.kafka.received import is_end, received_message
from streams.kafka.unanswered import unanswered
from streams.settings import Settings

_SILENCE_SECONDS: Final = 10.0


class TopicReader:
    """The messages of some topics as they are when it is opened; what arrives later is not read.

    Topics that are ``missing`` are empty.

    Raises, from every method:
        UnavailableError: the broker does not answer.
    """

    def __init__(self, settings: Settings, topics: Sequence[str]) -> None:
        self._settings = settings
        self._topics = topics
        self._consumer: Consumer | None = None
        self._spans: dict[Place, OffsetRange] = {}
        self.missing: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        with KafkaAdmin(self._settings) as admin:
            found = admin.describe(self._topics)
            self._spans = dict(sorted(admin.spans(found.values()).items()))
        self.missing = frozenset(self._topics) - found.keys()
        config = {
            **confluent_config(self._settings),
            "group.id": f"{self._settings.namespace}.reader",  # required, never joined
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,  # a fetch that waits for more at a partition's end holds up the next partition
            "queued.max.messages.kbytes": 16 * 1024,
            "fetch.max.bytes": 16 * MIB,
            "receive.message.max.bytes": max(topic.max_message_bytes for topic in TOPICS) + 16 * MIB,
        }
        self._consumer = Consumer(config)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._consumer is not None:
            self._consumer.close()

    @property
    def offsets(self) -> int:
        """How many offsets there are to read; not all of them need hold a message."""
        return count(self._spans.values())

    def read(self) -> Iterator[Message]:
        """Every message, partition by partition, oldest first. May be asked for again."""
        for place, span in self._spans.items():
            yield from self._read(place, span)

    def at(self, place: Place, offset: int) -> Message | None:
        """The message at one offset, or None."""
        span = self._spans.get(place, OffsetRange(0, 0)).overlap(OffsetRange(offset, offset + 1))
        return next((message for message in self._read(place, span) if message.offset == offset), None)

    def _read(self, place: Place, span: OffsetRange) -> Iterator[Message]:
        assert self._consumer is not None
        if not len(span):
            return
        self._consumer.assign([TopicPartition(place.topic, place.partition, span.first)])
        silent_since = time.monotonic()
        while time.monotonic() - silent_since < _SILENCE_SECONDS:
            received = self._consumer.poll(0.5)
            if received is None:
                continue
            if is_end(received):
                return
            if received.error() is not None:
                continue
            message = received_message(received)
            if message.offset >= span.past:
                return
            yield message
            if message.offset == span.past - 1:
                return
            silent_since = time.monotonic()
        raise unanswered(field=place.topic)
