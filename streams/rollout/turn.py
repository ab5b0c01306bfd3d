"""Whose turn it is to change policies: one operator's at a time."""

from types import TracebackType
from typing import Final, NoReturn, Self

from confluent_kafka import KafkaError, KafkaException, Producer

from schemas.codec import Outgoing
from schemas.errors import Code, ConfigError, UnavailableError
from schemas.topics import POLICIES
from streams.kafka.clients import confluent_config
from streams.settings import Settings

_SECONDS: Final = 20.0


class TurnLostError(Exception):
    """Another operator took the turn: nothing was written."""


class Turn:
    """The right to write to ``policies``, which the next one who takes it ends.

    The broker itself refuses what the one before still tries to write, and what was written before can be read: what
    is read in a turn is what is true until something is written in it.

    Raises, from every method:
        UnavailableError: the broker does not answer; it is not known whether something was written.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: Producer | None = None

    def __enter__(self) -> Self:
        config = {
            **confluent_config(self._settings),
            "transactional.id": f"{self._settings.namespace}.policies",
            "transaction.timeout.ms": 10_000,  # readers wait so long for one who is killed while writing
            "partitioner": "murmur2_random",
            "linger.ms": 0,
            "retry.backoff.ms": 10,
            "message.max.bytes": POLICIES.max_message_bytes - 64 * 1024,  # the broker counts a batch's head too
        }
        try:
            self._producer = Producer(config)
            self._producer.init_transactions(_SECONDS)
        except KafkaException as error:
            _fail(error)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()

    def write(self, message: Outgoing) -> None:
        """Write the message, and return once it can be read.

        Raises:
            TurnLostError: another operator took the turn.
            ConfigError: ``TOO_LARGE``: the message is larger than the topic takes.
        """
        assert self._producer is not None
        topic = self._settings.topics.of(POLICIES)
        try:
            self._producer.begin_transaction()
            self._producer.produce(topic, message.value, message.key, headers=list(message.headers))
            self._producer.commit_transaction(_SECONDS)
        except KafkaException as error:
            _fail(error)


def _fail(failure: KafkaException) -> NoReturn:
    error: KafkaError = failure.args[0]
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        raise ConfigError("the policy and its history are too large", code=Code.TOO_LARGE, field=POLICIES.name)
    if error.fatal():
        raise TurnLostError(error.name()) from None
    raise UnavailableError(f"the broker did not take the change: {error.name()}", field=POLICIES.name) from None
