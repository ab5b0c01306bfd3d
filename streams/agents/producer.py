"""The one producer of a worker process: publishes a batch and waits until the brokers have it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from schemas.errors import Code, UnavailableError
from schemas.topics import MIB
from streams.logs import get_logger
from streams.stage import Publication

DELIVERY_SECONDS: Final = 120.0
"""How long a message is tried again before the brokers count as gone: longer than a rolling restart's worst node."""

_POLL_SECONDS: Final = 0.2
_TOO_LARGE: Final = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE, KafkaError.INVALID_RECORD)
_DEFAULTS: Final[Mapping[str, str | int | float | bool]] = {
    "acks": "all",
    "enable.idempotence": True,
    "partitioner": "murmur2_random",  # as Java clients do: a key means the same partition for everyone
    "message.max.bytes": 96 * MIB,  # a broker takes requests of 100 MiB unless told otherwise
    "linger.ms": 5,
    "reconnect.backoff.max.ms": 2000,
    "log_level": 2,  # _on_error tells what matters; the library would print a line for every connection
}

logger = get_logger(__name__)


@dataclass(slots=True)
class _Delivery:
    """What is known of one batch on its way."""

    waiting: int = 0
    refused: list[int] = field(default_factory=list)
    failure: KafkaError | None = None

    def settle(self, index: int, error: KafkaError | None, _message: Message | None = None) -> None:
        self.waiting -= 1
        if error is None:
            return
        if error.code() in _TOO_LARGE:
            self.refused.append(index)
        else:
            self.failure = error


class BatchProducer:
    """Publishes batches, one at a time, from any thread.

    librdkafka does the batching and the retries with back-off; an idempotent producer keeps them free of duplicates.
    ``config`` is ``confluent_config``'s.
    """

    def __init__(
        self, config: Mapping[str, str | int | float | bool], *, delivery_seconds: float = DELIVERY_SECONDS
    ) -> None:
        timeout = {"delivery.timeout.ms": int(delivery_seconds * 1000)}
        self._config = {**config, **_DEFAULTS, **timeout, "error_cb": self._on_error}
        self._delivery_seconds = delivery_seconds
        self._producer: Producer | None = None
        self._stopping = False

    def start(self) -> None:
        """Open the producer. Connections are made in the background."""
        self._producer = Producer(self._config)

    def stop(self) -> None:
        """Give up what is not delivered: its events are not acknowledged, so they come again."""
        self._stopping = True

    def publish(self, publications: Sequence[Publication]) -> Sequence[int]:
        """Block until the brokers have every message, and return the indexes of those too large to be taken.

        Raises:
            UnavailableError: the brokers did not take a message in time, refuse us, or ``stop`` was called.
        """
        producer = self._producer
        if producer is None:
            raise UnavailableError("the producer is not started")
        delivery = _Delivery(waiting=len(publications))
        for index, publication in enumerate(publications):
            self._produce(producer, publication, partial(delivery.settle, index))
        # Flushing sends at once instead of lingering; a slice at a time lets ``stop`` through.
        while delivery.waiting and not self._stopping:
            producer.flush(_POLL_SECONDS)
        if delivery.failure is not None:
            raise UnavailableError(f"not published: {delivery.failure.name()}", code=Code.UNAVAILABLE)
        if delivery.waiting:
            raise UnavailableError("stopped before everything was published", code=Code.UNAVAILABLE)
        return sorted(delivery.refused)

    def _produce(self, producer: Producer, publication: Publication, settle: partial[None]) -> None:
        message = publication.message
        deadline = monotonic() + self._delivery_seconds
        while True:
            try:
                producer.produce(
                    publication.topic,
                    key=message.key,
                    value=message.value,
                    headers=[(_sound(name), value) for name, value in message.headers],
                    on_delivery=settle,
                )
            except BufferError:  # the queue is full: let some go out
                if monotonic() > deadline or self._stopping:
                    raise UnavailableError("not published: the queue stays full") from None
                producer.poll(_POLL_SECONDS)
            except KafkaException as error:
                settle(error.args[0])
                return
            else:
                return

    def _on_error(self, error: KafkaError) -> None:
        # Single connections come and go; without any broker somebody should know.
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - the constant's public name
            logger.warning("no broker answers", error=error.name())


def _sound(name: str) -> str:
    """The header name without lone surrogates: confluent-kafka 2 ends the process with a segmentation fault on one."""
    return name if name.isascii() else name.encode(errors="backslashreplace").decode()
