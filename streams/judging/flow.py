"""What differs from one judging stage to the next: what of an event is judged, and what follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from guards.exchange import Exchange
from schemas.codec import Event, EventError, Message
from schemas.envelope import Envelope
from schemas.errors import Code
from schemas.ids import request_key
from schemas.policy import Policy
from schemas.record import Record
from schemas.serving import Provenance
from schemas.topics import Topic
from schemas.verdict import Judgement, Position, Stage
from streams.policies.assignment import Assignment
from streams.stage import Publications

B = TypeVar("B", bound=Record)
B_co = TypeVar("B_co", bound=Record, covariant=True)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an event has no judgement. The code is Weir's own, or that of whoever made the event."""

    code: str
    message: str | None = None
    field: str | None = None

    @classmethod
    def of(cls, error: EventError) -> "Failure":
        """The failure to read a body; its message names the field."""
        return cls(error.code, f"{error.field}: {error.message}" if error.field else error.message, error.field)


FORGOTTEN: Final = Failure(Code.FORGOTTEN, "its subject was forgotten")
UNKNOWN_APP: Final = Failure(Code.UNKNOWN_APP, "no policy serves this app", "app")


LIVE: Final = "live"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose event it is, and what of it is to be judged, if anything can.

    ``asked_at`` is when what it belongs to came in, where that was another event. ``run`` is the verdict's: what is
    not live has a verdict, and no consequences.
    """

    app: str
    user: str | None
    conversation: str
    model: str | None
    content: Exchange | Failure
    provenance: Provenance | None = None
    asked_at: datetime | None = None
    run: str = LIVE


@dataclass(frozen=True, slots=True)
class Arrival(Generic[B_co]):
    """An event as a stage meets it: where it stands, what it says, and the policy that it falls under.

    ``record`` is None where the body could not be read.
    """

    message: Message
    position: Position
    envelope: Envelope
    record: B_co | None
    subject: Subject
    assignment: Assignment | None

    @property
    def request_key(self) -> str:
        """Names the request that the event is, or belongs to."""
        return request_key(self.envelope.source, self.envelope.id)

    @property
    def failure(self) -> Failure | None:
        """Why it cannot be judged; None if it can."""
        if isinstance(self.subject.content, Failure):
            return self.subject.content
        return None if self.assignment else UNKNOWN_APP


@dataclass(frozen=True, slots=True)
class Ruling:
    """A judgement of an exchange by a policy.

    ``versions`` are those of the guards that the policy chose, ``seconds`` is the event's share of its batch's time.
    """

    policy: Policy
    exchange: Exchange = field(repr=False)
    judgement: Judgement
    versions: Mapping[str, str]
    seconds: float


@dataclass(frozen=True, slots=True)
class Consequences:
    """What a ruling leads to beside its verdict, which is marked with the ``code`` of what went wrong on the way."""

    publications: Publications = ()
    code: Code | None = None


class Flow(Protocol[B]):
    """One judging stage's own part. Pure: called in any order, and again for the same event."""

    @property
    def name(self) -> Stage: ...
    @property
    def topic(self) -> Topic: ...
    @property
    def record(self) -> type[B]: ...

    def subject(self, event: Event[B]) -> Subject:
        """What is to be judged of the event."""
        ...

    def follow(self, arrival: Arrival[B], ruling: Ruling) -> Consequences:
        """What follows from the ruling by the policy in force."""
        ...

    def fail(self, arrival: Arrival[B], failure: Failure) -> Publications:
        """What follows where there is no ruling."""
        ...
