"""What the monitor reads: its inputs from where it is told, and its own state from the beginning."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Final

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka import Message as Received

from schemas.codec import Message
from schemas.errors import UnavailableError
from schemas.topics import MIB, MONITOR_STATE, TOPICS
from streams.kafka.clients import confluent_config
from streams.kafka.consumer_groups import monitor_group
from streams.kafka.place import Place
from streams.kafka.received import is_end, received_message
from streams.kafka.restoring import records
from streams.settings import Settings

_LARGEST: Final = max(topic.max_message_bytes for topic in TOPICS)


class Feed:
    """The inputs. It remembers since when each partition has had nothing more to read."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._consumer = _consumer(settings)
        self._clock = clock
        self._quiet: dict[Place, float | None] = {}

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()

    def begin(self, offsets: Mapping[Place, int]) -> None:
        """Read these partitions from these offsets on; what retention has taken is left out."""
        self._quiet = dict.fromkeys(offsets)
        self._consumer.assign([TopicPartition(place.topic, place.partition, at) for place, at in offsets.items()])

    def poll(self, seconds: float, limit: int) -> Sequence[Message]:
        """What is there already, or the first to come within so many seconds.

        Raises:
            UnavailableError: the consumer can go on no more.
        """
        first = self._consumer.poll(seconds)
        if first is None:
            return ()
        return [
            received_message(each)
            for each in (first, *self._consumer.consume(limit - 1, timeout=0))
            if self._is_message(each)
        ]

    def silent(self, seconds: float) -> Sequence[Place]:
        """The partitions that have had nothing more to read for so long."""
        now = self._clock()
        return [place for place, since in self._quiet.items() if since is not None and now - since >= seconds]

    def _is_message(self, received: Received) -> bool:
        error = received.error()
        if error is not None and error.fatal():
            raise UnavailableError(f"the consumer failed: {error.name()}")
        topic, partition = received.topic(), received.partition()
        if topic is not None and partition is not None:
            place = Place(topic, partition)
            if error is None:
                self._quiet[place] = None
            elif is_end(received) and self._quiet.get(place) is None:
                self._quiet[place] = self._clock()
        return error is None


def states(settings: Settings, beat: Callable[[], None]) -> Generator[Message]:
    """Every committed message of ``monitor-state``, and on from there. ``beat`` is called now and then.

    Raises:
        UnavailableError: the broker does not answer.
    """
    yield from records(_consumer(settings), settings.topics.of(MONITOR_STATE), beat, beyond=True)


def _consumer(settings: Settings) -> Consumer:
    return Consumer(
        {
            **confluent_config(settings),
            "group.id": monitor_group(settings, settings.monitor_shard),  # required; it is not joined
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 100,
            "queued.max.messages.kbytes": 32 * 1024,
            "fetch.queue.backoff.ms": 10,
            "fetch.message.max.bytes": 4 * MIB,
            "fetch.max.bytes": 16 * MIB,
            "receive.message.max.bytes": _LARGEST + 16 * MIB,
        }
    )
