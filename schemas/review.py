"""What people decide on: reviews, their decisions, and cancellations by applications."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.record import Identifier, KeepDays, Record
from schemas.reply import OnExpiry
from schemas.verdict import Fraction, Judgement, PolicyReference


class Review(Record):
    """Something for a person to read. The judgement's texts are masked.

    A ``hold`` waits for a decision until ``expires_at``; a ``sample`` wants a label, from ``readings`` people, and says
    with which ``probability`` its verdict was drawn. ``side`` is what is held; a sample has none.
    """

    review_id: UUID
    kind: Literal["hold", "sample"] = "hold"
    verdict_id: UUID | None = None
    app: Identifier
    user: Identifier | None = None
    conversation: Identifier
    source: Identifier
    source_event_id: Identifier
    stage: Literal["screen", "judge", "observe"]
    side: Literal["prompt", "response"] | None = None
    model: Identifier | None = None
    judgement: Judgement
    policy: PolicyReference
    opened_at: datetime
    expires_at: datetime | None = None
    on_expiry: OnExpiry | None = None
    stratum: Identifier | None = None
    probability: Fraction | None = None
    readings: Annotated[int, Field(ge=1, le=2)] = 1
    keep_days: KeepDays | None = None

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        needed = ("side", "expires_at", "on_expiry") if self.kind == "hold" else ("verdict_id", "probability")
        for name in needed:
            if getattr(self, name) is None:
                raise PydanticCustomError("review", "a {kind} needs {name}", {"kind": self.kind, "name": name})
        return self


class Decision(Record):
    """What a person decided about a hold. The first one in log order counts."""

    review_id: UUID
    action: Literal["release", "edit", "refuse"]
    text: str | None = Field(default=None, repr=False)
    reason: str | None = Field(default=None, max_length=2_000, repr=False)
    decided_by: Identifier

    @model_validator(mode="after")
    def _edits_have_a_text(self) -> Self:
        if (self.action == "edit") != (self.text is not None):
            raise PydanticCustomError("edit_text", "an edit, and nothing else, needs a text")
        return self


class Cancel(Record):
    """An application no longer wants the answer. ``source`` is the request's, by default that of the cancel itself.

    With an ``attempt`` only the model is to stop, with that attempt at a streamed answer: a guard has ended its stream,
    and the request is answered by what there is.
    """

    request_id: Identifier
    source: Identifier | None = None
    attempt: UUID | None = None
