"""A reply as OpenAI's clients read it: a completion, a stream of chunks, or an error. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.errors import Code, UnreadableError, WeirError
from schemas.reply import Reply
from streams.client.errors import ReplyTimeoutError

DONE: Final = b"data: [DONE]\n\n"
COMPLETION_PREFIX: Final = "chatcmpl-"

_REFUSED: Final = "content_filter"  # what OpenAI calls an answer that is not shown
_FINISHES: Final = frozenset({"stop", "length"})


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of the interface: an HTTP status, OpenAI's type and code, and the parameter at fault."""

    status: int
    kind: str
    code: str
    message: str
    param: str | None = None

    @property
    def body(self) -> Mapping[str, Any]:
        """As the standard has it."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


_INVALID: Final = "invalid_request_error"
_SERVER: Final = "server_error"
_FAILURES: Final[Mapping[str, tuple[int, str, str]]] = {
    Code.UNKNOWN_MODEL: (404, _INVALID, "model_not_found"),
    Code.UNKNOWN_APP: (403, _INVALID, "unknown_app"),
    Code.CONTEXT_TOO_LONG: (400, _INVALID, "context_length_exceeded"),
    Code.TOO_LONG: (400, _INVALID, "string_above_max_length"),
    Code.TOO_LARGE: (413, _INVALID, "request_too_large"),
    Code.DEADLINE_EXCEEDED: (504, "timeout_error", "deadline_exceeded"),
    Code.CANCELLED: (409, _INVALID, "cancelled"),
    Code.MODEL_FAILED: (502, _SERVER, "model_failed"),
    Code.GUARD_FAILED: (503, _SERVER, "guard_failed"),
    Code.UNAVAILABLE: (503, _SERVER, "unavailable"),
}
"""Status, type and code by Weir's code; a fault of the request's own is 400, with Weir's code in lower case."""

UNAUTHORIZED: Final = Failure(401, "authentication_error", "invalid_api_key", "the API key is missing or not known")


def failure_of(error: WeirError) -> Failure:
    """What was raised, as an error of the interface. Its message holds no user text."""
    if isinstance(error, ReplyTimeoutError):
        code = "held_for_review" if error.held else "timeout"
        return Failure(504, "timeout_error", code, "a person has yet to decide" if error.held else "no reply in time")
    fallback = 400 if isinstance(error, UnreadableError) else 500
    return _failure(error.code, error.message, error.field, fallback)


def failed(reply: Reply) -> Failure | None:
    """The error that a reply is; None for an answer and for a refusal, which clients read as an answer."""
    if reply.status != "error":
        return None
    return _failure(reply.code or Code.MODEL_FAILED, reply.message or "there is no answer", None, 400)


def _failure(code: str, message: str, field: str | None, fallback: int) -> Failure:
    status, kind, name = _FAILURES.get(code, (fallback, _INVALID if fallback < 500 else _SERVER, code.lower()))
    return Failure(status, kind, name, message, field)


def completion(reply: Reply, created: int) -> Mapping[str, Any]:
    """The reply as a ``chat.completion``. ``created`` is in seconds of Unix time."""
    message = {"role": "assistant", "content": _content(reply), "refusal": _refusal(reply)}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}
    return {**_head(reply, "chat.completion", created), "choices": [choice], "usage": _usage(reply)}


@dataclass(frozen=True, slots=True)
class Written:
    """A stream of server-sent ``chat.completion.chunk`` events. ``created`` is in seconds of Unix time."""

    request_id: str
    model: str
    created: int

    def opening(self) -> bytes:
        """The first event: who speaks."""
        return self._chunk({"role": "assistant", "content": ""})

    def piece(self, text: str) -> bytes:
        """Some more text."""
        return self._chunk({"content": text})

    def refusal(self, reply: Reply, *, instead: bool) -> bytes:
        """The policy's words: ``instead`` of an answer, or beside one that is broken off."""
        content = {"content": _content(reply)} if instead else {}
        return self._chunk({**content, "refusal": _refusal(reply)})

    def closing(self, reply: Reply, *, include_usage: bool) -> Iterator[bytes]:
        """What the reply says of it all, and that it is over."""
        yield self._chunk({}, _finish(reply), {"weir": _verdict(reply)})
        if include_usage:
            yield _event({**self._head, "choices": [], "usage": _usage(reply)})
        yield DONE

    @property
    def _head(self) -> dict[str, Any]:
        kind = "chat.completion.chunk"
        return {
            "id": _completion_id(self.request_id), "object": kind, "created": self.created, "model": self.model
        }  # fmt: skip

    def _chunk(
        self, delta: Mapping[str, Any], finish: str | None = None, more: Mapping[str, Any] | None = None
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event({**self._head, **(more or {}), "choices": [choice]})


def broken(failure: Failure) -> bytes:
    """The event that ends a stream which cannot go on."""
    return _event(failure.body)


def model_list(names: tuple[str, ...], created: int) -> Mapping[str, Any]:
    """The models that may be asked for."""
    return {"object": "list", "data": [model(name, created) for name in names]}


def model(name: str, created: int) -> Mapping[str, Any]:
    """One model, as clients list it."""
    return {"id": name, "object": "model", "created": created, "owned_by": "weir"}


def _head(reply: Reply, kind: str, created: int) -> dict[str, Any]:
    return {
        "id": _completion_id(reply.request_id),
        "object": kind,
        "created": created,
        "model": reply.model or "",
        "weir": _verdict(reply),
    }


def _completion_id(request_id: str) -> str:
    return f"{COMPLETION_PREFIX}{request_id}"


def _verdict(reply: Reply) -> Mapping[str, Any]:
    """What clients do not know they pass over: the verdict is there for those that look."""
    found = {"status": reply.status, "action": str(reply.action), "code": reply.code, "answered_by": reply.answered_by}
    return found | ({"retracted": reply.stream.retracted} if reply.stream else {})


def _content(reply: Reply) -> str:
    return (reply.message if reply.status == "withheld" else reply.text) or ""


def _refusal(reply: Reply) -> str | None:
    return _content(reply) if reply.status == "withheld" else None


def _finish(reply: Reply) -> str:
    if reply.status == "withheld":
        return _REFUSED
    return reply.finish_reason if reply.finish_reason in _FINISHES else "stop"


def _usage(reply: Reply) -> Mapping[str, int] | None:
    if reply.usage is None:
        return None
    asked, made = reply.usage.prompt_tokens, reply.usage.completion_tokens
    return {"prompt_tokens": asked, "completion_tokens": made, "total_tokens": asked + made}


def _event(body: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"
