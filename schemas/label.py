"""What people say of what they read, and who is reading what."""

from datetime import datetime
from typing import Annotated, Final, Self
from uuid import UUID, uuid5

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from schemas.record import Identifier, KeepDays, Record

RELEVANT: Final = "relevant"
CORRECT: Final = "correct"
_OFF_TOPIC: Final = "relevance"

LEASE_SECONDS: Final = 900
"""How long somebody has a review to themselves, unless they say otherwise."""


def _not_relevance(question: str) -> str:
    if question == _OFF_TOPIC:
        raise PydanticCustomError("question", "asks the same as `relevant`, the other way round: answer that one")
    return question


Question = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z_]{0,62}(\.[A-Za-z][A-Za-z0-9_]{0,63})?$"),
    AfterValidator(_not_relevance),
]
"""What is asked of a text: ``relevant``, ``correct``, or whether the problem is there that a guard looks for, by the
guard's name, or by name and label (``pii.EMAIL_ADDRESS``)."""


class Label(Record):
    """What a person says of a review. Of several by one person the last one in the log counts.

    ``answers`` are yes or no by question; what is not answered is not known. ``skipped`` says that the person will not
    answer, ``undone`` that what they said does not count any more. A ``blind`` reader saw neither what the guards found
    nor what others said. ``note`` is masked. Latency counts from ``opened_at``, when the review was opened.
    """

    label_id: UUID
    review_id: UUID
    verdict_id: UUID
    app: Identifier
    by: Identifier
    answers: Annotated[dict[Question, bool], Field(max_length=100)] = Field(default_factory=dict)
    note: str | None = Field(default=None, max_length=2_000, repr=False)
    blind: bool = False
    skipped: bool = False
    undone: bool = False
    opened_at: datetime
    labelled_at: datetime
    keep_days: KeepDays | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if bool(self.answers) == (self.skipped or self.undone):
            raise PydanticCustomError("answers", "expected answers, and none where it is skipped or undone")
        return self


def label_id(review_id: UUID, by: str) -> UUID:
    """One person's label of one review, however often they change it."""
    return uuid5(review_id, by)


class Lease(Record):
    """Somebody takes a review for so many ``seconds``, or gives it back (0).

    At most ``places`` have it at a time: whoever comes first in the log. Time is the broker's.
    """

    review_id: UUID
    by: Identifier
    places: Annotated[int, Field(ge=1, le=3)] = 1
    seconds: Annotated[int, Field(ge=0, le=14_400)] = LEASE_SECONDS
