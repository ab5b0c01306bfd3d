"""What the topic ``policies`` says, from its beginning and on."""

import time
from collections.abc import Iterator
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from schemas.codec import Message
from schemas.errors import ConfigError, UnavailableError
from schemas.topics import MIB, POLICIES
from streams.kafka_clients import confluent_config
from streams.received import received_message
from streams.settings import Settings

START_SECONDS: Final = 15.0
"""How long a process that starts waits for the broker."""

_NO_TOPIC: Final = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC})  # noqa: SLF001 - librdkafka's own codes begin so


class Feed:
    """The messages of the one partition, as they come. For one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.topics.of(POLICIES)
        self._consumer = Consumer(
            {
                **confluent_config(settings),
                "group.id": f"{settings.namespace}.policies",  # required, never joined
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "reconnect.backoff.max.ms": 2_000,
                "fetch.message.max.bytes": POLICIES.max_message_bytes,
                "receive.message.max.bytes": POLICIES.max_message_bytes + 100 * MIB,
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
        end = time.monotonic() + seconds
        missing = False
        while (left := end - time.monotonic()) > 0:
            received = self._consumer.poll(left)
            if received is None:
                continue
            error = received.error()
            if error is None:
                end = time.monotonic() + seconds
                yield received_message(received)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - as above
                return
            else:
                missing = error.code() in _NO_TOPIC
        if missing:
            raise ConfigError(f"the broker has no topic {self._topic}: run `weir topics create`")
        raise UnavailableError("the broker does not answer", field=POLICIES.name)

    def poll(self, seconds: float) -> Message | None:
        """The next message, if it comes within so many seconds. While the broker is away, none does."""
        received = self._consumer.poll(seconds)
        return received_message(received) if received is not None and received.error() is None else None
