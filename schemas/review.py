"""What people decide on: reviews, their decisions, and cancellations by applications."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.record import Identifier, Record
from schemas.reply import OnExpiry
from schemas.verdict import Judgement, PolicyReference


class Review(Record):
    """Something that waits for a person. The judgement's texts are masked."""

    review_id: UUID
    kind: Literal["hold"] = "hold"
    app: Identifier
    user: Identifier | None = None
    conversation: Identifier
    source: Identifier
    source_event_id: Identifier
    stage: Literal["screen", "judge"]
    side: Literal["prompt", "response"]
    judgement: Judgement
    policy: PolicyReference
    opened_at: datetime
    expires_at: datetime
    on_expiry: OnExpiry


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
    """An application no longer wants the answer. ``source`` is the request's, by default that of the cancel itself."""

    request_id: Identifier
    source: Identifier | None = None
