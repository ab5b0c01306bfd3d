"""What is inserted together: messages of one Kafka partition and one month, in offset order. Pure.

One insert then makes one part in one partition of a table, which the engine stores whole or not at all.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from schemas.codec import Message
from schemas.topics import MIB

_OVERHEAD: Final = 200  # bytes a message costs besides its value


@dataclass(frozen=True, slots=True)
class Limits:
    """When the writer stores what it holds, and how much it inserts at once.

    A message larger than ``bytes`` is a batch of its own.
    """

    rows: int = 2000
    bytes: int = 8 * MIB
    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one partition and month, in offset order; never empty."""

    messages: tuple[Message, ...] = field(repr=False)

    @property
    def topic(self) -> str:
        """The topic that they are of."""
        return self.messages[0].topic

    @property
    def partition(self) -> int:
        """The partition that they are of."""
        return self.messages[0].partition

    @property
    def next_offset(self) -> int:
        """Where reading goes on once they are stored."""
        return self.messages[-1].offset + 1

    def token(self, topic_id: str, table: str, part: Sequence[Message] | None = None) -> str:
        """Names an insert into a table: the same for the same messages, whoever makes it and whenever.

        ``part``: only these of the messages. Their number counts, since a refused row in the middle leaves a hole.
        """
        rows = self.messages if part is None else part
        span = f"{rows[0].offset}-{rows[-1].offset}/{len(rows)}" if rows else "none"
        return f"{self.topic}/{topic_id}/{self.partition}/{span}/{table}"


def size(message: Message) -> int:
    """The bytes of memory that a message takes, about."""
    return len(message.value or b"") + len(message.key or b"") + _OVERHEAD


def plan(messages: Iterable[Message], limits: Limits) -> tuple[Batch, ...]:
    """The messages, which come in offset order within each partition, cut into batches."""
    ordered = sorted(messages, key=_place)
    return tuple(
        Batch(tuple(cut))
        for _, month in groupby(ordered, key=lambda message: (*_place(message)[:2], _month(message)))
        for cut in _cuts(month, limits)
    )


def _place(message: Message) -> tuple[str, int, int]:
    return message.topic, message.partition, message.offset


def _month(message: Message) -> tuple[int, int]:
    return message.timestamp.year, message.timestamp.month


def _cuts(messages: Iterable[Message], limits: Limits) -> Iterator[list[Message]]:
    held: list[Message] = []
    held_bytes = 0
    for message in messages:
        if held and (len(held) == limits.rows or held_bytes + size(message) > limits.bytes):
            yield held
            held, held_bytes = [], 0
        held.append(message)
        held_bytes += size(message)
    if held:
        yield held


class Buffer:
    """What has been read and is not stored yet. ``now`` is a monotonic clock's reading in seconds."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._messages: list[Message] = []
        self._bytes = 0
        self._since = 0.0

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def oldest(self) -> Message | None:
        """The message that the broker took in first."""
        return min(self._messages, key=lambda message: message.timestamp, default=None)

    def add(self, message: Message, now: float) -> None:
        """Hold one more."""
        if not self._messages:
            self._since = now
        self._messages.append(message)
        self._bytes += size(message)

    def due(self, now: float) -> bool:
        """Whether it is time to store: by rows, by bytes, or because the first has waited long enough."""
        if not self._messages:
            return False
        full = len(self._messages) >= self._limits.rows or self._bytes >= self._limits.bytes
        return full or now - self._since >= self._limits.seconds

    def drain(self) -> tuple[Batch, ...]:
        """Everything held, as batches; the buffer is empty afterwards."""
        batches = plan(self._messages, self._limits)
        self.clear()
        return batches

    def clear(self) -> None:
        """Forget everything held."""
        self._messages = []
        self._bytes = 0
