"""An answer in pieces: what the model has made so far, what of it may be read, and what a reply says of it."""

from typing import Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.record import Identifier, Record
from schemas.work import Completion, Count, Work


class Draft(Record):
    """The next piece of an answer as the model made it: nobody has judged it.

    An ``attempt`` is one time that the model answers; its pieces are numbered from 0, and the first has the ``work``.
    The last has the ``completion``, whose text begins with all pieces before.
    """

    attempt: UUID
    seq: Count
    text: str = Field(default="", repr=False)
    work: Work | None = None
    completion: Completion | None = None

    @model_validator(mode="after")
    def _begins_with_its_work(self) -> Self:
        if (self.seq == 0) != (self.work is not None):
            raise PydanticCustomError("first_work", "the first piece, and no other, has the work")
        return self


class Chunk(Record):
    """The next piece of an answer that may be read: judged, and what the policy redacts replaced.

    Chunks of an ``attempt`` are numbered from 0. The first one says ``reset``: what came of other attempts is void.
    The last one says how the stream ``end``s: ``withheld`` or ``held`` by a guard, ``error``, or as the model ended it
    (``stop``, ``length`` or the engine's own). The reply comes after that and decides: it names the attempt whose
    chunks its text is, or takes them back (``schemas.work.Streamed``).
    """

    request_id: Identifier
    request_source: Identifier
    app: Identifier
    conversation: Identifier
    attempt: UUID
    seq: Count
    reset: bool = False
    text: str = Field(default="", repr=False)
    end: Identifier | None = None
    code: Identifier | None = None
    model: Identifier | None = None
