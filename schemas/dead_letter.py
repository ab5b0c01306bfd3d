"""The headers that say why a message became a dead letter (Kafka Connect's names)."""

from dataclasses import dataclass, replace
from typing import Final

from schemas.codec import ORIGIN_HEADER, Headers, Message, Outgoing
from schemas.errors import WeirError
from schemas.ids import position_id

_PREFIX: Final = "__connect.errors."
REPLAYS_HEADER: Final = "weir_replays"
"""How often a message has been replayed: a message that fails again and again is not replayed for ever."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Where a dead letter stood, which stage gave up on it, and why (never user text)."""

    topic: str
    partition: int
    offset: int
    stage: str
    code: str
    message: str
    field: str | None = None
    replays: int = 0


def reason_headers(message: Message, stage: str, error: WeirError) -> Headers:
    """The original headers, byte for byte, followed by the reason's."""
    reason = {
        "topic": message.topic,
        "partition": str(message.partition),
        "offset": str(message.offset),
        "task.id": f"{stage}-{message.partition}",
        "stage": stage,
        "exception.class.name": type(error).__name__,
        "exception.message": error.message,
        "code": str(error.code),
        "field": error.field,
    }
    return [
        *without_reason(message.headers),
        *((_PREFIX + name, value.encode()) for name, value in reason.items() if value is not None),
    ]


def dead_letter(message: Message, stage: str, error: WeirError, most_bytes: int) -> Outgoing:
    """The message byte for byte, with the reason; the reason alone if it is larger than its topic takes.

    That happens where it came compressed: brokers weigh what they are sent. The original is still at the position
    that the reason names.
    """
    parts = (message.key, message.value, *(part for name, value in message.headers for part in (name.encode(), value)))
    if sum(len(part or b"") for part in parts) > most_bytes:
        bare = replace(message, headers=())
        return Outgoing(key=None, value=b"", headers=reason_headers(bare, stage, error))
    return Outgoing(message.key, message.value, reason_headers(message, stage, error))


def without_reason(headers: Headers) -> Headers:
    """The headers as the message first came, without those that a dead letter added."""
    return [pair for pair in headers if not pair[0].startswith(_PREFIX)]


def read_reason(headers: Headers) -> Reason:
    """The reason in a dead letter's headers. What is absent or unreadable reads as empty or -1."""
    found = {name: value.decode("utf-8", "replace") for name, value in headers if value is not None}

    def number(name: str, default: int) -> int:
        text = found.get(name, "")
        return int(text) if text.isdecimal() and len(text) < 19 else default

    return Reason(
        topic=found.get(_PREFIX + "topic", ""),
        partition=number(_PREFIX + "partition", -1),
        offset=number(_PREFIX + "offset", -1),
        stage=found.get(_PREFIX + "stage", ""),
        code=found.get(_PREFIX + "code", ""),
        message=found.get(_PREFIX + "exception.message", ""),
        field=found.get(_PREFIX + "field"),
        replays=number(REPLAYS_HEADER, 0),
    )


def replay_headers(headers: Headers) -> Headers:
    """The headers for sending a dead letter to its topic again: the first position kept, one replay more."""
    reason = read_reason(headers)
    original = [pair for pair in without_reason(headers) if pair[0] != REPLAYS_HEADER]
    if not any(name == ORIGIN_HEADER for name, _ in original):
        origin = position_id(reason.topic, reason.partition, reason.offset)
        original.append((ORIGIN_HEADER, origin.encode()))
    return [*original, (REPLAYS_HEADER, str(reason.replays + 1).encode())]
