"""Subjects that were forgotten: what nothing may bring back."""

from datetime import datetime
from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from schemas.record import Identifier, Record


class Forgotten(Record):
    """A user of an app, or a conversation of it: whatever came in ``before`` is dropped wherever it is met again.

    Replies and settlements do not name their user. ``conversations`` are those that were known to be the user's.
    """

    app: Identifier
    user: Identifier | None = None
    conversation: Identifier | None = None
    conversations: tuple[Identifier, ...] = ()
    before: datetime
    forgotten_by: Identifier

    @model_validator(mode="after")
    def _is_one_subject(self) -> Self:
        if (self.user is None) == (self.conversation is None):
            raise PydanticCustomError("forgotten", "needs a user or a conversation, not both")
        return self
