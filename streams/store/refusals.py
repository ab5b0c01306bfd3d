"""Dead letters for what the store will not take."""

from collections.abc import Sequence
from typing import Final

from confluent_kafka import KafkaException, Producer

from schemas.dead_letter import dead_letter
from schemas.errors import UnavailableError
from schemas.topics import DEAD_LETTER_SUFFIX, SOURCES
from streams.dead_letters.allowance import Allowance, TooManyDeadLettersError
from streams.kafka.clients import copying
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.settings import Settings
from streams.store.deposit import STAGE, Refused

_DELIVERY_SECONDS: Final = 30.0
_log = get_logger("streams.store")


class Refusals:
    """Writes refused messages, byte for byte, to the dead-letter topic beside their own."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._producer: Producer | None = None
        self._allowance = Allowance(settings.dead_letter_share, settings.dead_letter_least)

    def expect(self, messages: int) -> None:
        """So many messages are about to be stored: what is refused is weighed against them."""
        self._allowance.count(messages, 0)

    def write(self, refused: Sequence[Refused]) -> None:
        """Return once all are delivered. Writing one again is harmless: a dead letter counts by its first position.

        Raises:
            UnavailableError: the broker does not answer or does not take one of them; or more was refused than is
                allowed, so that this has to wait until somebody has looked.
        """
        if not refused:
            return
        self._weigh(len(refused))
        self._deliver(refused)
        self._tell(refused)

    def _deliver(self, refused: Sequence[Refused]) -> None:
        failures: list[str] = []
        producer = self._connected()
        limits = {self._settings.topics.of(topic): topic.max_message_bytes for topic in SOURCES}
        for each in refused:
            topic = each.message.topic
            letter = dead_letter(each.message, STAGE, each.error, limits[topic])
            try:
                producer.produce(
                    topic + DEAD_LETTER_SUFFIX,
                    key=letter.key,
                    value=letter.value,
                    headers=list(letter.headers),
                    on_delivery=lambda error, _: failures.append(error.name()) if error else None,
                )
            except (KafkaException, BufferError) as error:
                failures.append(type(error).__name__)
        if producer.flush(_DELIVERY_SECONDS) or failures:
            raise UnavailableError(f"dead letters were not delivered: {failures[0] if failures else 'too slow'}")

    def _tell(self, refused: Sequence[Refused]) -> None:
        for each in refused:
            self._metrics.dead_letters.labels(STAGE, str(each.error.code)).inc()
            _log.warning(
                "dead letter",
                topic=each.message.topic,
                partition=each.message.partition,
                offset=each.message.offset,
                code=str(each.error.code),
            )

    def _weigh(self, dead: int) -> None:
        try:
            self._allowance.count(0, dead)
        except TooManyDeadLettersError as error:
            self._metrics.dead_letter_stop.labels(STAGE).set(1)
            raise UnavailableError(error.message, code=error.code) from None

    def _connected(self) -> Producer:
        if self._producer is None:
            self._producer = Producer(copying(self._settings, _DELIVERY_SECONDS))
        return self._producer
