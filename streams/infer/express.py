"""Drafts on their way out: at once, and outside the transactions that completions are written in.

A process that is killed in the middle of a transaction keeps readers waiting for its end; what is streamed would be in
one all the time. Drafts that get lost are no loss: the completion has all of the text.
"""

from collections.abc import Iterable
from typing import Final

from confluent_kafka import KafkaException, Producer

from schemas.topics import TOPICS
from streams.kafka.clients import confluent_config
from streams.settings import Settings
from streams.stage import Publication

_LINGER_MS: Final = 2
_FLUSH_SECONDS: Final = 1.0
_TRIED_SECONDS: Final = 5.0  # an answer in pieces that come so late is better read at once, from its completion


class Express:
    """For one thread. Opened when it is first used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: Producer | None = None

    def send(self, publications: Iterable[Publication]) -> None:
        """Send these in the background, in order; what the broker does not take is dropped."""
        for each in publications:
            message = each.message
            try:
                self._opened.produce(each.topic, message.value, message.key, headers=list(message.headers))
            except (BufferError, KafkaException):
                continue
        if self._producer is not None:
            self._producer.poll(0)

    def flush(self) -> None:
        """Wait a moment for what is on its way: a completion should not overtake its drafts."""
        if self._producer is not None:
            self._producer.flush(_FLUSH_SECONDS)

    def close(self) -> None:
        """Let go of the connection."""
        if self._producer is not None:
            self._producer.purge()
            self._producer = None

    @property
    def _opened(self) -> Producer:
        if self._producer is None:
            config = {
                **confluent_config(self._settings),
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": _LINGER_MS,
                "delivery.timeout.ms": int(_TRIED_SECONDS * 1000),
                "request.timeout.ms": int(_TRIED_SECONDS * 1000),
                "message.max.bytes": max(topic.max_message_bytes for topic in TOPICS),
                "log_level": 2,
            }
            self._producer = Producer(config)
        return self._producer
