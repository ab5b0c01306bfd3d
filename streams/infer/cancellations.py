"""Which requests are cancelled: every process reads all of it, from the time of its start."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from schemas.codec import decode
from schemas.errors import UnreadableError
from schemas.ids import request_key
from schemas.review import Cancel
from schemas.topics import CANCELS
from streams.kafka.clients import confluent_config
from streams.kafka.consumer_groups import infer_group
from streams.kafka.received import received_message
from streams.requests.cancel import cancelled_source
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Stop:
    """The request of this key is cancelled; with an ``attempt``, that alone is to end, with what there is of it."""

    key: str
    attempt: UUID | None = None


_REMEMBERED: Final = 10_000
_AT_ONCE: Final = 500
_SECONDS: Final = 10.0


class Cancellations:
    """The topic ``cancels``, for what is here already or comes soon. For one thread.

    It saves work and decides nothing: settle answers what is cancelled, and what cannot be read is its business.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._consumer: Consumer | None = None

    def open(self) -> None:
        """Begin to read what comes from now on; without the topic, or a broker, nothing."""
        config = {
            **confluent_config(self._settings),
            "group.id": infer_group(self._settings),  # not joined, and nothing is committed
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
        self._consumer = Consumer(config)
        topic = self._settings.topics.of(CANCELS)
        try:
            found = self._consumer.list_topics(topic, timeout=_SECONDS).topics[topic].partitions
        except KafkaException:
            found = {}
        numbers = found or range(CANCELS.partitions)
        self._consumer.assign([TopicPartition(topic, number, OFFSET_END) for number in numbers])

    def close(self) -> None:
        """Let go of the connection."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def poll(self) -> Sequence[Stop]:
        """What is to stop by the cancels that have come since the last call. Waits for nothing."""
        received = self._consumer.consume(_AT_ONCE, timeout=0) if self._consumer else ()
        stops = []
        for each in received:
            if each.error() is not None:
                continue
            try:
                event = decode(received_message(each), Cancel, CANCELS.type_name)
            except UnreadableError:
                continue
            key = request_key(cancelled_source(event, self._settings.topics), event.record.request_id)
            stops.append(Stop(key, event.record.attempt))
        for stop in stops:
            if stop.attempt is None:
                self._recent[stop.key] = None
            while len(self._recent) > _REMEMBERED:
                self._recent.popitem(last=False)
        return stops

    def covers(self, key: str) -> bool:
        """Whether a cancel of this request has come of late."""
        return key in self._recent
