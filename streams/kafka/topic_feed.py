"""What a topic of one partition says, from its beginning and on: one that processes follow, not one that they share."""

import time
from collections.abc import Iterator
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from schemas.codec import Message
from schemas.errors import ConfigError
from schemas.topics import MIB, Topic
from streams.kafka.clients import confluent_config
from streams.kafka.received import is_end, received_message
from streams.kafka.topic_descriptions import SPREAD_SECONDS
from streams.kafka.unanswered import unanswered
from streams.settings import Settings

START_SECONDS: Final = 30.0
"""How long a process that starts waits for the broker."""


class TopicFeed:
    """The messages of the one partition, as they come. For one thread at a time."""

    def __init__(self, settings: Settings, topic: Topic) -> None:
        self._name = topic.name
        self._topic = settings.topics.of(topic)
        self._consumer = Consumer(
            {
                **confluent_config(settings),
                "group.id": f"{settings.namespace}.{topic.name}",  # required, never joined
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "reconnect.backoff.max.ms": 2_000,
                "log_level": 2,  # while the broker is away the library would print a line for every try
                "fetch.message.max.bytes": topic.max_message_bytes,
                "receive.message.max.bytes": topic.max_message_bytes + 100 * MIB,
            }
        )
        self._consumer.assign([TopicPartition(self._topic, 0, OFFSET_BEGINNING)])

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()

    def catch_up(self, seconds: float) -> Iterator[Message]:
        """Every message that there is at this moment.

        Raises:
            ConfigError: the broker has no such topic.
            UnavailableError: the broker does not answer for so many seconds.
        """
        self._refuse_missing(seconds)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            received = self._consumer.poll(left)
            if received is not None and is_end(received):
                return
            if received is not None and received.error() is None:
                end = time.monotonic() + seconds
                yield received_message(received)
        raise unanswered(field=self._name)

    def poll(self, seconds: float) -> Message | None:
        """The next message, if it comes within so many seconds. While the broker is away, none does."""
        received = self._consumer.poll(seconds)
        return received_message(received) if received is not None and received.error() is None else None

    def _refuse_missing(self, seconds: float) -> None:
        # The library keeps it to itself that the topic it reads does not exist. One just made may not be known yet.
        end = time.monotonic() + min(seconds, SPREAD_SECONDS)
        while not self._exists(seconds):
            if time.monotonic() > end:
                raise ConfigError(f"the broker has no topic {self._topic}: run `weir topics create`")
            time.sleep(0.1)

    def _exists(self, seconds: float) -> bool:
        try:
            found = self._consumer.list_topics(self._topic, timeout=seconds).topics[self._topic]
        except KafkaException as error:
            raise unanswered(error, field=self._name) from None
        return found.error is None or found.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART
