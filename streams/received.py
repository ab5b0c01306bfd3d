"""What confluent-kafka hands over, as our own message."""

from datetime import UTC, datetime
from typing import cast

from confluent_kafka import Message as Received

from schemas.codec import ESCAPED, Headers, Message


def received_message(received: Received) -> Message:
    """The message; it must not be an error event. Headers that confluent-kafka cannot read are one of an escaped name.

    It raises for all of them where a single name is not UTF-8, as a producer in C can write it.
    """
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
    try:
        return cast("Headers", received.headers() or ())
    except (SystemError, UnicodeDecodeError):
        return ((ESCAPED, None),)
