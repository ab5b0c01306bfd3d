"""What the notifier reads: alerts, silences and what was told, each from its beginning, and then as they come.

All three are small: they keep the latest of each key. How far ``alerts`` has been told is committed, with each target's
own position beside it, so that a target that is set up later is not told of everything that ended before.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from confluent_kafka import Message as Received

from schemas.codec import Message
from schemas.errors import UnavailableError
from schemas.topics import ALERTS, NOTICES, SILENCES
from streams.kafka.clients import confluent_config
from streams.kafka.consumer_groups import notify_group
from streams.kafka.received import is_end, is_message, received_message
from streams.kafka.unanswered import unanswered
from streams.settings import Settings

INPUTS: Final = (ALERTS, SILENCES, NOTICES)
_SECONDS: Final = 10.0
_AT_ONCE: Final = 500


class Feed:
    """Open it, ``read`` it until ``caught_up``, and go on.

    Raises, from every method:
        UnavailableError: the broker does not answer, or a topic is not there.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._place = (settings.topics.of(ALERTS), 0)
        self._behind: set[tuple[str, int]] = set()
        self.end = 0
        """The offset in ``alerts`` after the last message that was read."""
        self.committed: int | None = None
        self.positions: Mapping[str, int] = {}
        self._consumer = Consumer(
            {
                **confluent_config(settings),
                "group.id": notify_group(settings),  # for the offsets: it is not joined
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 100,
            }
        )

    def open(self) -> None:
        """Stand at the beginning of everything, and learn how far the targets had been told."""
        try:
            (found,) = self._consumer.committed([TopicPartition(*self._place)], timeout=_SECONDS)
            numbers = {topic: self._partitions(topic) for topic in map(self._settings.topics.of, INPUTS)}
        except KafkaException as error:
            raise unanswered(error) from None
        self.committed = found.offset if found.offset >= 0 else None
        self.positions = _positions(found.metadata) if self.committed is not None else {}
        places = [(topic, number) for topic, partitions in numbers.items() for number in partitions]
        self._behind = set(places)
        self._consumer.assign([TopicPartition(*place, OFFSET_BEGINNING) for place in places])

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()

    @property
    def caught_up(self) -> bool:
        """Whether everything that was there has been read."""
        return not self._behind

    def read(self, seconds: float) -> Sequence[Message]:
        """What has come within so many seconds, in order within each topic."""
        messages = []
        for received in self._consumer.consume(_AT_ONCE, timeout=seconds):
            if is_message(received):
                message = received_message(received)
                messages.append(message)
                self._reached(message.topic, message.partition, message.offset + 1)
            elif is_end(received):
                self._behind.discard((str(received.topic()), int(received.partition() or 0)))
                self._reached(str(received.topic()), int(received.partition() or 0), _offset(received))
        return messages

    def commit(self, positions: Mapping[str, int], commit: Callable[[Sequence[TopicPartition]], None]) -> None:
        """Record how far each target has been told, by the group's member."""
        lowest = min(positions.values(), default=self.end)
        commit([TopicPartition(*self._place, lowest, json.dumps(dict(sorted(positions.items()))))])
        self.committed, self.positions = lowest, dict(positions)

    def _reached(self, topic: str, partition: int, offset: int) -> None:
        if (topic, partition) == self._place:
            self.end = max(self.end, offset)

    def _partitions(self, topic: str) -> Sequence[int]:
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            found = self._consumer.list_topics(topic, timeout=_SECONDS).topics[topic]
            if found.error is None:
                return sorted(found.partitions)
            time.sleep(0.2)
        raise UnavailableError("the topic is not there: run `weir topics create`", field=topic)


def _positions(metadata: str | None) -> Mapping[str, int]:
    """Each target's position as it was committed; what somebody else committed says nothing."""
    try:
        found = json.loads(metadata or "{}")
    except ValueError:
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: offset for name, offset in pairs if isinstance(offset, int)}


def _offset(received: Received) -> int:
    offset = received.offset()
    return 0 if offset is None else int(offset)
