"""What confluent-kafka hands over, as our own message."""

from datetime import UTC, datetime
from typing import cast

from confluent_kafka import Message as Received

from schemas.codec import Headers, Message


def received_message(received: Received) -> Message:
    """The message; it must not be an error event."""
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
        headers=cast("Headers", received.headers() or ()),
    )
