"""What people say of an answer: as an application sends it, and as it is kept."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from schemas.record import Identifier, KeepDays, Record
from schemas.traffic import traffic_headers
from schemas.verdict import PolicyReference, Position, SideJudgement

MAX_COMMENT: Final = 10_000
"""Code points of a comment."""

Thumb = Literal["up", "down"]
Rating = Annotated[int, Field(strict=True, ge=1, le=5)]
Reason = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
"""One of the application's own choices, such as ``wrong`` or ``too_long``: a word for a column, not a text."""

About = Literal["request", "interaction"]
Sentiment = Literal["negative", "neutral", "positive"]


class Feedback(Record):
    """What somebody says of the answer to a request, or of an interaction: the one or the other is named.

    ``source`` is that of the request or interaction, by default the feedback's own. ``rating`` goes from 1 to 5, the
    best. Of ``thumb``, ``rating``, ``reason`` and ``comment`` one at least is there.
    """

    app: Identifier
    request_id: Identifier | None = None
    interaction_id: Identifier | None = None
    source: Identifier | None = None
    user: Identifier | None = None
    conversation: Identifier | None = None
    thumb: Thumb | None = None
    rating: Rating | None = None
    reason: Reason | None = None
    comment: str | None = Field(default=None, max_length=MAX_COMMENT, repr=False)

    @model_validator(mode="after")
    def _says_something_of_one(self) -> Self:
        if (self.request_id is None) == (self.interaction_id is None):
            raise PydanticCustomError("feedback_about", "one of request_id and interaction_id is needed")
        said = (self.thumb, self.rating, self.reason, (self.comment or "").strip() or None)
        if all(part is None for part in said):
            raise PydanticCustomError("empty_message", "one of thumb, rating, reason and comment is needed")
        return self

    @property
    def about(self) -> About:
        """Which of the two it is about."""
        return "request" if self.request_id is not None else "interaction"

    @property
    def about_id(self) -> str:
        """The id of what it is about."""
        return self.request_id or self.interaction_id or ""

    @property
    def sentiment(self) -> Sentiment | None:
        """What a rate counts: the thumb's word, or that of a rating (3 is neutral); None where neither was given."""
        if self.thumb is not None:
            return "positive" if self.thumb == "up" else "negative"
        if self.rating is None:
            return None
        return "negative" if self.rating < 3 else "positive" if self.rating > 3 else "neutral"


class Opinion(Record):
    """Feedback as it is kept: its comment judged as a prompt is, and masked.

    ``feedback_id`` is derived, so that the same feedback is one opinion however often it is sent. ``position`` is
    where the feedback stands.
    """

    feedback_id: UUID
    app: Identifier
    user: Identifier | None = None
    conversation: Identifier
    source: Identifier
    source_event_id: Identifier
    event_time: datetime
    position: Position
    about: About
    about_source: Identifier
    about_id: Identifier
    thumb: Thumb | None = None
    rating: Rating | None = None
    reason: Reason | None = None
    sentiment: Sentiment | None = None
    comment: SideJudgement | None = None
    policy: PolicyReference
    keep_days: KeepDays | None = None
    traceparent: str | None = None

    def headers_beside(self) -> Mapping[str, str]:
        """Whose traffic it is, and of when."""
        return traffic_headers(self.app, self.position.time, self.event_time, counts=True)
