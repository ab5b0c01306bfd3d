"""What settle reads: its inputs from where it left off, its own records from the beginning, single outcomes."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.codec import Event, Message, decode
from schemas.errors import UnreadableError
from schemas.reply import Outcome, Spot
from schemas.topics import MIB, OUTCOMES, SETTLED, TOPICS
from streams.kafka.clients import confluent_config
from streams.kafka.consumer_groups import settle_group
from streams.kafka.place import Place
from streams.kafka.received import is_end, is_message, received_message
from streams.kafka.restoring import records
from streams.kafka.unanswered import unanswered
from streams.settings import Settings

_SECONDS: Final = 10.0
_LARGEST: Final = max(topic.max_message_bytes for topic in TOPICS)


class Feed:
    """The inputs, from where the group left off."""

    def __init__(self, settings: Settings) -> None:
        self._consumer = _consumer(settings, tell_ends=False)

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()

    def begin(self, places: Iterable[Place], known: Mapping[Place, int]) -> Mapping[Place, int]:
        """Start to read these partitions, and say where: the next offset of each.

        That is what the group has committed. Brokers forget offsets that nobody has committed for a week, while
        segments may live longer: without one it is what is ``known`` otherwise, else the beginning.

        Raises:
            UnavailableError: the broker does not answer.
        """
        asked = [TopicPartition(place.topic, place.partition) for place in places]
        try:
            committed = self._consumer.committed(asked, timeout=_SECONDS)
        except KafkaException as error:
            raise unanswered(error) from None
        found = {}
        for each in committed:
            place = Place(each.topic, each.partition)
            found[place] = each.offset if each.offset >= 0 else known.get(place, 0)
        # An offset that retention has taken is read from the beginning of what is left.
        self._consumer.assign([TopicPartition(place.topic, place.partition, at) for place, at in found.items()])
        return found

    def poll(self, seconds: float, limit: int) -> Sequence[Message]:
        """What is there already, or the first to come within so many seconds."""
        first = self._consumer.poll(seconds)
        if first is None:
            return ()
        received = [first, *self._consumer.consume(limit - 1, timeout=0)]
        return [received_message(each) for each in received if is_message(each)]


def settled_records(settings: Settings, beat: Callable[[], None]) -> Iterator[Message]:
    """Every committed message of ``settled`` that there is at this moment. ``beat`` is called now and then.

    Raises:
        UnavailableError: the broker does not answer.
    """
    return records(_consumer(settings, tell_ends=True), settings.topics.of(SETTLED), beat)


class HeldOutcomes:
    """Outcomes by where they stand. Connects when first asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: Consumer | None = None

    def close(self) -> None:
        """Let go of the connection."""
        if self._consumer is not None:
            self._consumer.close()

    def read(self, spot: Spot) -> Event[Outcome] | None:
        """The outcome that stands there; None once it is gone.

        Raises:
            UnavailableError: the broker does not answer.
        """
        if self._consumer is None:
            self._consumer = _consumer(self._settings, tell_ends=True)
        self._consumer.assign([TopicPartition(self._settings.topics.of(OUTCOMES), spot.partition, spot.offset)])
        end = time.monotonic() + _SECONDS
        while (left := end - time.monotonic()) > 0:
            received = self._consumer.poll(left)
            if received is None or not (is_end(received) or is_message(received)):
                continue
            if is_end(received) or received.offset() != spot.offset:
                return None
            try:
                return decode(received_message(received), Outcome, OUTCOMES.type_name)
            except UnreadableError:
                return None
        raise unanswered(field=OUTCOMES.name)


def _consumer(settings: Settings, *, tell_ends: bool) -> Consumer:
    return Consumer(
        {
            **confluent_config(settings),
            "group.id": settle_group(settings),  # for the offsets: it is not joined
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.partition.eof": tell_ends,
            "fetch.wait.max.ms": 10 if tell_ends else 500,  # an end is told by an empty answer, however long it took
            # Memory is bounded by what is fetched ahead; the broker sends one message whatever its size.
            "queued.max.messages.kbytes": 16 * 1024,
            "fetch.queue.backoff.ms": 10,
            "fetch.message.max.bytes": 4 * MIB,
            "fetch.max.bytes": 16 * MIB,
            "receive.message.max.bytes": _LARGEST + 16 * MIB,
        }
    )
