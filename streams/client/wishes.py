"""What an application asks for, as a request."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal, TypedDict

from schemas.codec import validate
from schemas.conversation import MAX_DEADLINE, Format, Message, Parameters, Request

Prompt = str | Sequence[Message | Mapping[str, str]]
"""Chat messages; a string is the content of one user message."""

_MARGIN_SECONDS: Final = 1.0


class Wishes(TypedDict, total=False):
    """What a request may say beside its prompt; ``schemas.conversation.Request`` tells the meanings and limits."""

    conversation: str | None
    user: str | None
    context: Sequence[str] | None
    model: str | None
    priority: Literal["interactive", "bulk"]
    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    stop: Sequence[str] | None
    seed: int | None
    response_format: Format | Mapping[str, str] | None


def request_of(app: str, prompt: Prompt, wishes: Wishes, timeout: float | None, *, stream: bool = False) -> Request:
    """The request. Its deadline comes a little before ``timeout`` (seconds), so that even a late answer is read.

    Raises:
        UnreadableError: a wish or the prompt cannot be sent; names the field.
        TypeError: there is no such wish.
    """
    given: dict[str, Any] = {name: wish for name, wish in wishes.items() if wish is not None}
    if unknown := sorted(given.keys() - Wishes.__annotations__.keys()):
        raise TypeError(f"ask() has no parameter {unknown[0]!r}")
    parameters = {name: given.pop(name) for name in Parameters.model_fields if name in given}
    parameters |= {"stream": True} if stream else {}
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
    body = {"app": app, "messages": messages, "parameters": parameters or None, **given}
    return validate({**body, "deadline": _deadline(timeout)}, Request)


def _deadline(timeout: float | None) -> int | None:
    """Milliseconds from the request's arrival: no clock of the application's is trusted."""
    if timeout is None:
        return None
    most = MAX_DEADLINE / timedelta(seconds=1)
    return round(1000 * min(most, timeout - min(_MARGIN_SECONDS, timeout / 4)))
