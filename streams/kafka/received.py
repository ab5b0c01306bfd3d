"""What confluent-kafka hands over, as our own message."""

from datetime import UTC, datetime
from operator import methodcaller
from typing import cast

from confluent_kafka import KafkaError
from confluent_kafka import Message as Received

from schemas.codec import ESCAPED, Headers, Message
from schemas.errors import UnavailableError
from streams.logs import get_logger

_headers_of = methodcaller("headers")
_log = get_logger("streams.kafka.received")


def is_end(received: Received) -> bool:
    """Whether this says that a partition has no more at the moment. The consumer has to be told to say so."""
    error = received.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's own codes begin so


def is_message(received: Received) -> bool:
    """Whether this is a message, and not an event of the library. What is neither that nor an end is logged.

    Raises:
        UnavailableError: the consumer can go on no more.
    """
    error = received.error()
    if error is None:
        return True
    if error.fatal():
        raise UnavailableError(f"the consumer failed: {error.name()}")
    if not is_end(received):
        _log.warning("broker error", reason=error.name(), topic=received.topic())
    return False


def received_message(received: Received) -> Message:
    """The message; it must not be an error event. A header's name that is not UTF-8 comes out as an escape alone."""
    topic, partition, offset = received.topic(), received.partition(), received.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    _, milliseconds = received.timestamp()
    return Message(
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp=datetime.fromtimestamp(milliseconds / 1000, UTC),
        key=received.key(),
        value=received.value(),
        headers=_headers(received),
    )


def _headers(received: Received) -> Headers:
    """The headers, also where a producer in C has written a name that is not UTF-8.

    confluent-kafka 2.16 then returns tuples with nothing in the name's place, and an exception set. Python notices it
    only where results are checked, which those of a method called by its name are not once the call is warm; touching
    such a name ends the process.
    """
    try:
        return cast("Headers", _headers_of(received) or ())
    except (SystemError, UnicodeDecodeError):
        found = cast("Headers", _headers_of(received) or ())
        return [(ESCAPED, pair[1]) if repr(pair).startswith("(<NULL>") else pair for pair in found]
