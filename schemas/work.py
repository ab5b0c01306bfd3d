"""What travels between the stages of a request: the work for a model, and what the model made of it.

Every one of these events keeps the envelope's id and source of its request, so that any of them names it.
"""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.conversation import Request
from schemas.record import Identifier, Record
from schemas.verdict import PolicyReference, Position

Count = Annotated[int, Field(ge=0, strict=True)]


class Sealed(Record):
    """Something encrypted under a subject's data key, with that key encrypted under the vault's master key.

    ``wrapped_key`` and ``data`` are base64; ``key_id`` names the data key.
    """

    key_id: UUID
    wrapped_key: str = Field(repr=False)
    data: str = Field(repr=False)


class Work(Record):
    """A request as the policy lets the model see it, with what later stages need to answer it.

    ``request`` is redacted; ``digest`` is that of the body as it came (``schemas.ids``). ``placeholders`` maps each
    placeholder in the redacted texts to what it stands for. An engine of one's own copies all of it into the
    completion.
    """

    request: Request
    conversation: Identifier
    position: Position
    digest: Identifier
    deadline: datetime
    policy: PolicyReference
    placeholders: Sealed | None = None


class Usage(Record):
    """Tokens that a completion took."""

    prompt_tokens: Count
    completion_tokens: Count


class Completion(Record):
    """What a model made of some work: a text, or a ``code`` that says why there is none.

    ``seconds`` is the time in the model, ``finish_reason`` is ``stop``, ``length`` or the engine's own.
    """

    work: Work
    text: str | None = Field(default=None, repr=False)
    code: Identifier | None = None
    message: str | None = None
    model: Identifier | None = None
    usage: Usage | None = None
    finish_reason: Identifier | None = None
    seconds: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _has_one_of_text_and_code(self) -> Self:
        if (self.text is None) == (self.code is None):
            raise PydanticCustomError("text_or_code", "exactly one of text and code is needed")
        return self
