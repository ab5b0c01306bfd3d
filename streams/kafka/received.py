"""What confluent-kafka hands over, as our own message."""

from datetime import UTC, datetime
from operator import methodcaller
from typing import cast

from confluent_kafka import Message as Received

from schemas.codec import ESCAPED, Headers, Message

_headers_of = methodcaller("headers")


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
