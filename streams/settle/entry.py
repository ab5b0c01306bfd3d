"""What settle remembers of one request. Instants are whole milliseconds since the epoch."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Final, Literal
from uuid import UUID

from schemas.ids import request_key
from schemas.reply import Hold, Spot, Status

MAX_PLACES: Final = 32
"""Repeats of one request that are listed while it is open; each of them costs memory."""


@dataclass(frozen=True)
class Identity:
    """Who asked: the request's envelope, its app and its conversation. ``key`` is the request's, as 16 bytes."""

    source: str
    request_id: str
    app: str
    conversation: str

    @cached_property
    def key(self) -> bytes:
        return UUID(request_key(self.source, self.request_id)).bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request stands in ``requests``, and when the broker took it in."""

    partition: int
    offset: int
    arrival: int

    def same_as(self, other: "Place") -> bool:
        """Whether both are the same message."""
        return (self.partition, self.offset) == (other.partition, other.offset)


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that has no final reply yet, or the cancellation of one that has not come yet.

    ``due`` is when something happens by itself. An open request with a ``hold`` is one whose prompt was held and
    has been released; ``held_at`` is where the held outcome stands in ``outcomes``.
    """

    state: Literal["open", "held", "cancelled"]
    due: int
    identity: Identity
    places: tuple[Place, ...] = ()
    digest: str | None = None
    hold: Hold | None = None
    held_at: Spot | None = None

    @property
    def passed(self) -> bool:
        """Whether its prompt was held and has been released: what ``screen`` says again is no news."""
        return self.state == "open" and self.hold is not None

    def contradicts(self, digest: str | None) -> bool:
        """Whether another body is known. What is not known contradicts nothing."""
        return None not in (digest, self.digest) and digest != self.digest

    def at(self, place: Place, digest: str) -> "Pending":
        """The same request, seen at one more place."""
        return replace(self, places=(*self.places, place), digest=digest)


@dataclass(frozen=True, slots=True)
class Settled:
    """A request that has its final reply: as much as it takes to tell its repeats. Forgotten when ``due``."""

    due: int
    settled_at: int
    status: Status
    code: str | None = None
    digest: str | None = field(default=None, repr=False)

    def contradicts(self, digest: str) -> bool:
        """Whether another body was answered."""
        return self.digest is not None and digest != self.digest


Entry = Pending | Settled


def moment(milliseconds: int) -> datetime:
    """The instant, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def milliseconds(instant: datetime) -> int:
    """The instant in whole milliseconds since the epoch."""
    return round(instant.timestamp() * 1000)
