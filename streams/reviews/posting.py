"""What reviewers write: sent, and delivered when the call returns."""

from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

from confluent_kafka import KafkaError, KafkaException, Producer

from schemas.codec import encode
from schemas.envelope import Envelope, event_type
from schemas.errors import UnavailableError
from schemas.record import Record
from schemas.topics import Topic
from streams.kafka.clients import confluent_config
from streams.settings import Settings

SOURCE: Final = "weir-review"
_DELIVERY_SECONDS: Final = 30


class Post:
    """A way to the broker, for any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = Producer(
            {
                **confluent_config(settings),
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": 0,
                "delivery.timeout.ms": _DELIVERY_SECONDS * 1000,
                "log_level": 2,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._producer.flush(1)

    def send(self, topic: Topic, record: Record, key: str, event_id: str | None = None) -> None:
        """Return once the broker has it.

        Raises:
            UnavailableError: it does not take it.
        """
        event = Envelope(
            id=event_id or str(uuid4()), source=SOURCE, type=event_type(topic.type_name), time=datetime.now(UTC)
        )
        message, ends = encode(record, event, key), list[KafkaError | None]()
        try:
            self._producer.produce(
                self._settings.topics.of(topic),
                message.value,
                message.key,
                headers=list(message.headers),
                on_delivery=lambda error, _message: ends.append(error),
            )
            while not ends:
                self._producer.poll(0.1)
        except KafkaException as error:
            raise UnavailableError(f"not delivered: {error.args[0].name()}") from None
        if ends[0] is not None:
            raise UnavailableError(f"not delivered: {ends[0].name()}")
