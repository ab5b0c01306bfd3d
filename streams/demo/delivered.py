"""What the demo's client says that the broker has acknowledged."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class OffsetRun:
    """Consecutive offsets of one partition, ``first`` to ``last``, both included."""

    topic: str
    partition: int
    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Answered:
    """Replies as the client read them.

    ``awaited`` requests can be answered, ``final`` of them are; ``again`` counts final replies beyond the first of a
    request, ``held`` those that announce a later one. ``seconds`` is from the first message to the last reply.
    """

    awaited: int = 0
    final: int = 0
    again: int = 0
    held: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """Messages by topic and kind, and where they stand. ``malformed`` ones are counted with their topic's as well.

    ``done`` says that everything was sent, acknowledged and waited for, ``error`` names what kept the client from that.
    """

    interactions: int = 0
    requests: int = 0
    malformed: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    offsets: tuple[OffsetRun, ...] = ()
    replies: Answered = Answered()
    done: bool = False
    error: str | None = None

    @property
    def total(self) -> int:
        """Every message, whatever its topic."""
        return self.interactions + self.requests

    def offsets_of(self, topic: str) -> tuple[OffsetRun, ...]:
        """The runs in a topic, by its name without the namespace."""
        return tuple(run for run in self.offsets if run.topic.endswith(f".{topic}"))

    @classmethod
    def read(cls, line: str) -> Self:
        """The client's JSON line."""
        report: dict[str, Any] = json.loads(line)
        return cls(
            interactions=report["interactions"],
            requests=report["requests"],
            malformed=report["malformed"],
            kinds=report["kinds"],
            offsets=tuple(OffsetRun(**run) for run in report["offsets"]),
            replies=Answered(**report.get("replies", {})),
            done=report["done"],
            error=report.get("error"),
        )
