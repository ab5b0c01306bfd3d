"""A chat-completion request as OpenAI's clients send it, and as Weir's own request."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from schemas.conversation import Format, Messages, Passages
from schemas.record import Identifier, Record
from schemas.serving import ANY_MODEL
from streams.client.wishes import Wishes

_Nothing = Annotated[float, Field(ge=0, le=0)] | None
_Most = Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None


def _listed(stop: object) -> object:
    return [stop] if isinstance(stop, str) else stop


class StreamOptions(Record, extra="forbid"):
    """What a stream has beside the answer: with ``include_usage`` a last chunk that counts tokens."""

    include_usage: bool = False


class ChatRequest(Record, extra="forbid"):
    """The parameters that are served; any other is refused by name, not passed over.

    Those that change nothing at the one value that clients like to send (``n: 1``) are taken at that value only.
    ``context``, ``conversation`` and ``priority`` are Weir's own.
    """

    model: Identifier = ANY_MODEL
    messages: Messages = Field(repr=False)
    max_tokens: _Most = None
    max_completion_tokens: _Most = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    stop: Annotated[tuple[str, ...] | None, BeforeValidator(_listed)] = Field(default=None, max_length=16, repr=False)
    seed: Annotated[int, Field(strict=True)] | None = None
    user: Identifier | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    context: Passages | None = Field(default=None, repr=False)
    conversation: Identifier | None = None
    priority: Literal["interactive", "bulk"] = "interactive"

    n: Literal[1] | None = None
    frequency_penalty: _Nothing = None
    presence_penalty: _Nothing = None
    logprobs: Literal[False] | None = None
    store: Literal[False] | None = None
    logit_bias: Annotated[dict[str, Any], Field(max_length=0)] | None = None
    tools: Annotated[tuple[Any, ...], Field(max_length=0)] | None = None
    response_format: Format | None = None

    @property
    def wishes(self) -> Wishes:
        """What Weir's request says beside the messages."""
        return Wishes(
            conversation=self.conversation,
            user=self.user,
            context=self.context,
            model=None if self.model == ANY_MODEL else self.model,
            priority=self.priority,
            max_tokens=self.max_completion_tokens or self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            stop=self.stop,
            seed=self.seed,
            response_format=self.response_format,
        )
