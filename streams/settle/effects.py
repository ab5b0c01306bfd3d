"""What the state machine wants written. All effects of a turn are written together or not at all."""

from dataclasses import dataclass

from schemas.envelope import Envelope
from schemas.errors import WeirError
from schemas.reply import Reply, Settlement
from schemas.verdict import Verdict
from schemas.work import Work


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply. ``cause`` is the envelope of the event that led to it, for its trace; None where time did.

    ``late`` is by how many seconds a deadline was missed, ``waited`` how many a hold waited for the person who decided.
    """

    reply: Reply
    cause: Envelope | None = None
    late: float | None = None
    waited: float | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The new state of a request."""

    settlement: Settlement


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A request that is not remembered any more, by its key."""

    key: bytes


@dataclass(frozen=True, slots=True)
class Released:
    """Work that had been held. ``request`` is the envelope whose id and source it carries; ``waited`` as above."""

    work: Work
    request: Envelope
    waited: float | None = None


@dataclass(frozen=True, slots=True)
class Contradicted:
    """A request that is not answered, because its id was another request's. ``cause`` is its own envelope."""

    verdict: Verdict
    cause: Envelope


@dataclass(frozen=True, slots=True)
class Superseded:
    """Something that came too late to matter. ``stage`` says from whom."""

    stage: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The event in hand can have no effect: it is a dead letter."""

    error: WeirError


Effect = Answered | Recorded | Forgotten | Released | Contradicted | Superseded | Refused
