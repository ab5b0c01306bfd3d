"""The end of a request: outcomes that stages propose, the settlement that picks one, and the reply that goes out."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from schemas.actions import Action
from schemas.record import Identifier, KeepDays, Record
from schemas.verdict import Offset, PartitionNumber, PolicyReference, Position
from schemas.work import Streamed, Usage, Work

Status = Literal["delivered", "redacted", "withheld", "held", "error"]
Answerer = Literal["screen", "judge", "deadline", "cancel", "review", "expiry"]
"""Who answered: a stage, a timer, the application itself, or a reviewer."""

OnExpiry = Literal["refuse", "release"]


class Hold(Record):
    """What a hold waits for: a decision on the review, or the end of ``seconds``, when ``on_expiry`` happens."""

    review_id: UUID
    side: Literal["prompt", "response"]
    seconds: Annotated[int, Field(ge=1, strict=True)]
    on_expiry: OnExpiry


class Outcome(Record):
    """What a stage would answer. The first one of a request that is settled becomes its reply.

    ``position`` and ``digest`` are those of the request. A ``held`` outcome has a ``hold`` and what follows a release:
    for a held prompt the ``work`` for the model, for a held response the ``text`` and ``released_as``.
    """

    app: Identifier
    conversation: Identifier
    user: Identifier | None = None
    stage: Literal["screen", "judge"]
    status: Status
    action: Action
    position: Position | None = None
    digest: Identifier | None = None
    text: str | None = Field(default=None, repr=False)
    code: Identifier | None = None
    message: str | None = None
    model: Identifier | None = None
    usage: Usage | None = None
    finish_reason: Identifier | None = None
    stream: Streamed | None = None
    policy: PolicyReference | None = None
    hold: Hold | None = None
    work: Work | None = None
    released_as: Literal["delivered", "redacted"] | None = None


class Reply(Record):
    """What the application reads. ``final`` is false for ``held`` alone: another reply follows."""

    request_id: Identifier
    request_source: Identifier
    app: Identifier
    conversation: Identifier
    status: Status
    final: bool
    answered_by: Answerer
    action: Action
    text: str | None = Field(default=None, repr=False)
    code: Identifier | None = None
    message: str | None = None
    model: Identifier | None = None
    usage: Usage | None = None
    finish_reason: Identifier | None = None
    stream: Streamed | None = None
    policy: PolicyReference | None = None
    held_until: datetime | None = None
    position: Position | None = None
    keep_days: KeepDays | None = None


class Spot(Record):
    """Where a message stands in a topic of ours."""

    partition: PartitionNumber
    offset: Offset


class Settlement(Record):
    """The state of one request: the record from which settle continues after any end.

    ``open`` waits for an outcome until ``deadline``; ``held`` for a decision until ``deadline``, its outcome standing
    at ``held_at`` in ``outcomes``; ``cancelled`` waits for its request until ``deadline`` and is then forgotten;
    ``settled`` is over, ``reply_id`` names its reply. ``positions`` are the request's own and those of its repeats.
    After ``keep_days`` the store knows no more whose it was.
    """

    request_id: Identifier
    request_source: Identifier
    app: Identifier
    conversation: Identifier
    state: Literal["open", "held", "cancelled", "settled"]
    positions: tuple[Position, ...] = ()
    digest: Identifier | None = None
    deadline: datetime | None = None
    hold: Hold | None = None
    held_at: Spot | None = None
    reply_id: UUID | None = None
    status: Status | None = None
    code: Identifier | None = None
    settled_at: datetime | None = None
    keep_days: KeepDays | None = None
