"""The replies, each made from what answers it."""

from collections.abc import Mapping
from typing import Any, Final

from schemas.actions import Action
from schemas.codec import dump_json
from schemas.conversation import Message
from schemas.errors import Code
from schemas.policy import Replies
from schemas.reply import Answerer, Outcome, Reply
from schemas.topics import MIB, REPLIES
from schemas.work import Work
from streams.settle.entry import Identity, Pending, moment
from streams.settle.settlements import Origin

REFUSAL: Final = Replies().refusal
"""What is said of a request whose app no policy serves."""

_ROOM: Final = MIB  # for the headers of a reply or of work, which the broker counts as well
_WIDEST: Final = 6  # bytes that one code point takes in JSON at most
_REASONS: Final[Mapping[Code, str]] = {
    Code.DEADLINE_EXCEEDED: "no answer was there by the deadline",
    Code.CANCELLED: "the request was cancelled",
    Code.PROCESSING_FAILED: "what was held is not there any more",
    Code.TOO_LARGE: "the answer is too large for its topic",
}


def from_outcome(entry: Pending, outcome: Outcome, origin: Origin) -> Reply:
    """What a stage answers."""
    return _reply(entry, origin, final=True, answered_by=outcome.stage, **_said(outcome))


def on_hold(entry: Pending, outcome: Outcome, until: int, origin: Origin) -> Reply:
    """That a person is going to look at it, and by when."""
    said = {**_said(outcome), "text": None, "status": "held"}
    return _reply(entry, origin, final=False, answered_by=outcome.stage, held_until=moment(until), **said)


def released(entry: Pending, outcome: Outcome, answered_by: Answerer, origin: Origin) -> Reply:
    """A held response as the stage would have delivered it."""
    said = {**_said(outcome), "status": outcome.released_as or "delivered", "code": None, "message": None}
    return _reply(entry, origin, final=True, answered_by=answered_by, **said)


def edited(entry: Pending, outcome: Outcome, text: str, origin: Origin) -> Reply:
    """A held response in a reviewer's words."""
    said = {**_said(outcome), "status": "redacted", "text": text, "code": None, "message": None}
    return _reply(entry, origin, final=True, answered_by="review", **said)


def refused(entry: Pending, code: Code, answered_by: Answerer, message: str, origin: Origin) -> Reply:
    """That what was held is not going to be answered."""
    return _reply(
        entry,
        origin,
        status="withheld",
        final=True,
        answered_by=answered_by,
        action=Action.BLOCK,
        code=code,
        message=message,
    )


def failed(entry: Pending, code: Code, answered_by: Answerer, origin: Origin) -> Reply:
    """That there is no answer, and why."""
    return _reply(
        entry,
        origin,
        status="error",
        final=True,
        answered_by=answered_by,
        action=Action.BLOCK,
        code=code,
        message=_REASONS[code],
    )


def reworded(work: Work, text: str) -> Work:
    """Work with another last user message."""
    messages = list(work.request.messages)
    last = max((n for n, message in enumerate(messages) if message.role == "user"), default=len(messages))
    messages[last:] = [Message(role="user", content=text), *messages[last + 1 :]]
    return work.model_copy(update={"request": work.request.model_copy(update={"messages": tuple(messages)})})


def fits(record: Reply | Work) -> bool:
    """Whether the broker is going to take it."""
    limit = REPLIES.max_message_bytes - _ROOM
    if isinstance(record, Reply):
        most = _WIDEST * (len(record.text or "") + len(record.message or ""))
        if most < limit - _ROOM:
            return True  # told without being written
    return len(dump_json(record.to_json())) <= limit


def _said(outcome: Outcome) -> dict[str, Any]:
    names = ("status", "action", "text", "code", "message", "model", "usage", "finish_reason", "stream", "policy")
    return {name: getattr(outcome, name) for name in names}


def _reply(entry: Pending, origin: Origin, **said: Any) -> Reply:  # noqa: ANN401 - the fields of a reply
    who: Identity = entry.identity
    return Reply(
        request_id=who.request_id,
        request_source=who.source,
        app=who.app,
        conversation=who.conversation,
        position=origin.position(entry.places[0]) if entry.places else None,
        **said,
    )
