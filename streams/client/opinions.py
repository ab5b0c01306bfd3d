"""What an application passes on of what its users say."""

from typing import Any, Literal, TypedDict

from schemas.codec import validate
from schemas.feedback import Feedback
from schemas.reply import Reply


class Said(TypedDict, total=False):
    """What feedback may say; ``schemas.feedback.Feedback`` tells the meanings and limits."""

    thumb: Literal["up", "down"] | None
    rating: int | None
    reason: str | None
    comment: str | None
    user: str | None
    conversation: str | None
    source: str | None


def feedback_of(app: str, about: Reply | str | None, interaction_id: str | None, said: Said) -> Feedback:
    """The feedback on a reply, on a request by its id, or on an interaction by its id.

    A reply brings its conversation, so that what is said of it follows it in the same partition.

    Raises:
        UnreadableError: it says nothing, or a part will not do; names the field.
        TypeError: there is no such part.
    """
    if unknown := sorted(said.keys() - Said.__annotations__.keys()):
        raise TypeError(f"feedback() has no parameter {unknown[0]!r}")
    body: dict[str, Any] = {name: part for name, part in said.items() if part is not None}
    if isinstance(about, Reply):
        body.setdefault("conversation", about.conversation)
    request_id = about.request_id if isinstance(about, Reply) else about
    return validate({"app": app, "request_id": request_id, "interaction_id": interaction_id, **body}, Feedback)
