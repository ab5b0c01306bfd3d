"""What applications send: a request to be served, or an interaction that has already happened."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from schemas.record import Identifier, Record

MAX_DEADLINE = timedelta(days=7)
MAX_MESSAGES = 2_000
MAX_PASSAGES = 1_000
_PARAMETER: Final = re.compile("[a-z][a-z_]{0,39}")
NOBODY = "forgotten"
"""Stands for the conversation of somebody who was forgotten."""

UNREADABLE_APP = "unknown"
"""Stands for the app of an event whose body cannot be read."""

Role = Literal["system", "developer", "user", "assistant", "tool"]


def _join_parts(content: object) -> object:
    """Accept OpenAI's list of text parts and the null content of a tool call as one string."""
    if content is None:
        return ""
    return "\n".join(map(_part_text, content)) if isinstance(content, list) else content


def _part_text(part: object) -> str:
    text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
    if not isinstance(text, str):
        raise PydanticCustomError("unsupported_part", "should be text, or a list of parts of type text")
    return text


class Message(Record):
    """One chat message."""

    role: Role
    content: Annotated[str, BeforeValidator(_join_parts)] = Field(repr=False)


Messages = Annotated[tuple[Message, ...], Field(min_length=1, max_length=MAX_MESSAGES)]
Passages = Annotated[tuple[str, ...], Field(max_length=MAX_PASSAGES)]


def _as_messages(prompt: object) -> object:
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt


Prompt = Annotated[Messages, BeforeValidator(_as_messages, json_schema_input_type=str | Messages)]
"""Chat messages; a plain string is the content of one user message."""


def _as_stops(stop: object) -> object:
    return (stop,) if isinstance(stop, str) else stop


class Format(Record, extra="forbid"):
    """What an answer is to be: any text, or one JSON object.

    A schema for it would be a text that the model reads and no guard does; it is refused.
    """

    type: Literal["text", "json_object"] = "text"


class Parameters(Record):
    """How the model is to answer; what is absent is the model's default.

    With ``stream`` the answer is released in chunks as it comes. A parameter that is not known is refused: to answer
    as if it had not been said would be another answer.
    """

    max_tokens: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    stop: Annotated[
        tuple[str, ...] | None,
        Field(max_length=16),
        BeforeValidator(_as_stops, json_schema_input_type=str | tuple[str, ...] | None),
    ] = Field(default=None, repr=False)
    seed: Annotated[int, Field(strict=True)] | None = None
    n: Literal[1] | None = None
    stream: Annotated[bool, Field(strict=True)] | None = None
    response_format: Format | None = None

    @model_serializer(mode="wrap")
    def _what_is_said(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what is absent: a reader of an older version would refuse the name of what it does not know."""
        return {name: value for name, value in dump(self).items() if value is not None}

    @model_validator(mode="before")
    @classmethod
    def _known_by_name(cls, values: object) -> object:
        """Refuse others, and take OpenAI's newer name for one of them."""
        if not isinstance(values, dict):
            return values
        found = dict(values)
        if "max_completion_tokens" in found:
            found.setdefault("max_tokens", found.pop("max_completion_tokens"))
            found.pop("max_completion_tokens", None)
        unknown = [name for name in found if name not in cls.model_fields]
        if unknown:
            # A name is told where it is one: a key might hold anything.
            name = next((name for name in unknown if _PARAMETER.fullmatch(str(name))), "one of them")
            raise PydanticCustomError("unknown_parameter", "{name} is not supported", {"name": name})
        return found


def _deadline(value: object) -> object:
    """Check a deadline: RFC 3339, or a positive number of milliseconds after the event's arrival."""
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 < value <= MAX_DEADLINE / timedelta(milliseconds=1):
            raise PydanticCustomError("deadline_range", "should be between 1 ms and 7 days")
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("deadline_type", "should be RFC 3339 or a whole number of milliseconds")
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("deadline_format", "should be RFC 3339 or a whole number of milliseconds") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


class Request(Record):
    """A prompt that wants an answer from a model. ``conversation`` defaults to the Kafka key.

    ``bulk`` requests go to the model by a topic of their own, so that they never stand before an interactive one.
    """

    app: Identifier
    user: Identifier | None = None
    conversation: Identifier | None = None
    messages: Messages = Field(repr=False)
    context: Passages | None = Field(default=None, repr=False)
    model: Identifier | None = None
    parameters: Parameters | None = None
    priority: Literal["interactive", "bulk"] = "interactive"
    deadline: Annotated[int | datetime | None, BeforeValidator(_deadline)] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not any(message.content.strip() for message in self.messages):
            raise PydanticCustomError("empty_message", "no message has any text")
        return self


class Interaction(Record):
    """A prompt with the response that an application's own model gave."""

    app: Identifier
    user: Identifier | None = None
    conversation: Identifier | None = None
    prompt: Prompt | None = Field(default=None, repr=False)
    response: str | None = Field(default=None, repr=False)
    context: Passages | None = Field(default=None, repr=False)
    model: Identifier | None = None
    lang: Identifier | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.prompt is None and self.response is None:
            raise PydanticCustomError("missing", "one of prompt and response is needed")
        texts = [message.content for message in self.prompt or ()] + [self.response or ""]
        if not any(text.strip() for text in texts):
            raise PydanticCustomError("empty_message", "neither prompt nor response has any text")
        return self
