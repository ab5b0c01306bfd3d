"""Feedback as it comes over HTTP. Pure."""

from typing import Any

from pydantic import Field

from schemas.feedback import MAX_COMMENT, Rating, Reason, Thumb
from schemas.record import Identifier, Record
from streams.client.opinions import Said
from streams.gateway.answers import COMPLETION_PREFIX


class FeedbackRequest(Record, extra="forbid"):
    """What is said of an answer: its ``id`` as the completion had it, or the id of a request or an interaction.

    ``schemas.feedback.Feedback`` tells the meanings; the app is that of the key.
    """

    id: Identifier | None = None
    request_id: Identifier | None = None
    interaction_id: Identifier | None = None
    source: Identifier | None = None
    user: Identifier | None = None
    conversation: Identifier | None = None
    thumb: Thumb | None = None
    rating: Rating | None = None
    reason: Reason | None = None
    comment: str | None = Field(default=None, max_length=MAX_COMMENT, repr=False)

    @property
    def about(self) -> str | None:
        """The id of the request, if it is about one."""
        return self.request_id if self.id is None else self.id.removeprefix(COMPLETION_PREFIX)

    @property
    def said(self) -> Said:
        """What is said, as the client takes it."""
        return Said(
            source=self.source,
            user=self.user,
            conversation=self.conversation,
            thumb=self.thumb,
            rating=self.rating,
            reason=self.reason,
            comment=self.comment,
        )


def receipt(feedback_id: str) -> dict[str, Any]:
    """What is answered once the broker has it."""
    return {"id": feedback_id, "object": "feedback"}
