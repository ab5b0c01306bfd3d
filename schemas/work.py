"""What travels between the stages of a request: the work for a model, and what the model made of it.

Every one of these events keeps the envelope's id and source of its request, so that any of them names it.
"""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.actions import Action
from schemas.conversation import Request
from schemas.record import Identifier, Record
from schemas.serving import Plan, Provenance
from schemas.verdict import Offset, PolicyReference, Position

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
    placeholder in the redacted texts to what it stands for, ``plan`` says which model is asked. An engine of one's own
    copies all of it into the completion.
    """

    request: Request
    conversation: Identifier
    position: Position
    digest: Identifier
    deadline: datetime
    policy: PolicyReference
    placeholders: Sealed | None = None
    plan: Plan | None = None


class Usage(Record):
    """Tokens that a completion took."""

    prompt_tokens: Count
    completion_tokens: Count


class Streamed(Record):
    """What a reply says of the chunks of its request that were released before it.

    Joined, the ``chunks`` of the ``attempt`` are the reply's text, unless they are ``retracted``. A reply that does
    not say anything of chunks takes back all that there are.
    """

    attempt: UUID
    chunks: Count
    retracted: bool = False


class Stretch(Record):
    """Code points ``start`` to ``end`` (exclusive) of a text."""

    start: Offset
    end: Offset


class Released(Record):
    """What was released of a completion before all of it was there.

    ``text`` are the chunks, joined. They stand for the first ``position`` code points of the completion's text, in
    which ``redacted`` were replaced. ``action`` is the strictest of a guard: beyond ``redact`` it ended the stream,
    for the reason ``code``.
    """

    attempt: UUID
    chunks: Count
    text: str = Field(repr=False)
    position: Count
    redacted: tuple[Stretch, ...] = ()
    action: Action = Action.ALLOW
    code: Identifier | None = None


class Completion(Record):
    """What a model made of some work: a text, or a ``code`` that says why there is none.

    ``seconds`` is the time in the model, ``finish_reason`` is ``stop``, ``length`` or the engine's own. Where the
    answer was streamed, ``released`` says what of it has been read already.
    """

    work: Work
    text: str | None = Field(default=None, repr=False)
    code: Identifier | None = None
    message: str | None = None
    model: Identifier | None = None
    usage: Usage | None = None
    finish_reason: Identifier | None = None
    seconds: Annotated[float, Field(ge=0)] = 0.0
    provenance: Provenance | None = None
    released: Released | None = None

    @model_validator(mode="after")
    def _has_one_of_text_and_code(self) -> Self:
        if (self.text is None) == (self.code is None):
            raise PydanticCustomError("text_or_code", "exactly one of text and code is needed")
        return self
