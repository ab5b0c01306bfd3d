"""Messages and offsets written together or not at all, by one holder of a name at a time."""

from collections.abc import Iterable, Sequence
from typing import Final, NoReturn

from confluent_kafka import KafkaException, Producer, TopicPartition

from schemas.errors import UnavailableError
from schemas.topics import TOPICS
from streams.kafka.clients import confluent_config
from streams.settings import Settings
from streams.stage import Publication

_SECONDS: Final = 10.0


class DeposedError(Exception):
    """Another holds the name in this one's place, or the producer can go on no more: this one has to end."""


class Transactions:
    """A transactional producer under ``name``. What one leaves unfinished that dies blocks readers for ``seconds``.

    After an error it is not known whether the last write counts: open another one, and read what is there.
    """

    def __init__(self, settings: Settings, name: str, seconds: float = 30.0) -> None:
        self._settings = settings
        self._name = name
        self._seconds = seconds
        self._producer: Producer | None = None

    def open(self) -> None:
        """Make every earlier holder of the name fail at its next write, and end what it left unfinished.

        Raises:
            UnavailableError: the broker does not answer.
        """
        config = {
            **confluent_config(self._settings),
            "transactional.id": self._name,
            "transaction.timeout.ms": int(self._seconds * 1000),
            "partitioner": "murmur2_random",
            "linger.ms": 0,
            # A broker still finishing the last transaction refuses the next one: with the usual 100 ms between tries
            # each of two in a row would take that long, instead of 3 ms.
            "retry.backoff.ms": 1,
            "message.max.bytes": max(topic.max_message_bytes for topic in TOPICS),
        }
        try:
            self._producer = Producer(config)
            self._producer.init_transactions(_SECONDS)
        except KafkaException as error:
            self._fail(error)

    def close(self) -> None:
        """Let go of the connection. What is left of a transaction is ended by whoever opens the next, or by time."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()

    def write(self, publications: Iterable[Publication], offsets: Sequence[TopicPartition], member: object) -> None:
        """Write all of it and how far the inputs have been read for it, and return once it is so.

        Raises:
            UnavailableError: the broker did not do it, or did not say that it did.
            DeposedError: another process has taken over.
        """
        assert self._producer is not None
        try:
            self._producer.begin_transaction()
            for each in publications:
                message = each.message
                self._producer.produce(each.topic, message.value, message.key, headers=list(message.headers))
            if offsets:
                self._producer.send_offsets_to_transaction(list(offsets), member, _SECONDS)
            self._producer.commit_transaction(_SECONDS)
        except KafkaException as error:
            self._fail(error)
        except BufferError:
            raise UnavailableError("the broker does not take the messages") from None

    def _fail(self, failure: KafkaException) -> NoReturn:
        error = failure.args[0]
        if error.fatal():
            raise DeposedError(error.name()) from None
        raise UnavailableError(f"the broker did not take a transaction: {error.name()}") from None
