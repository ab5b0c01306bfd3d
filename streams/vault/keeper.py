"""What stages ask of the vault."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas.work import Sealed
from streams.stage import Publication


@dataclass(frozen=True, slots=True)
class EventName:
    """The event that something kept is from."""

    app: str
    source: str
    event_id: str
    stage: str


def subject_of(app: str, user: str | None, conversation: str) -> str:
    """Whose data something is: an application's user, or the conversation of nobody in particular.

    Such as ``shop/user/u-17``. Never the same for two: applications choose their users' ids independently, and a
    conversation may be called like a user.
    """
    parts = (app, "conversation", conversation) if user is None else (app, "user", user)
    return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts)


class Keeper(Protocol):
    """Encrypts for a subject, as ``subject_of`` names it. May be called from any thread."""

    def seal(self, subject: str, content: Mapping[str, str], request: str) -> Sealed:
        """The content under the subject's data key: any process of ours can open it, for the same request alone.

        ``request`` is its ``request_key``. Gateways write completions: none may have one request's data put into
        the reply to another.
        """
        ...

    def open(self, sealed: Sealed, request: str) -> Mapping[str, str]:
        """What was sealed. Raises ``WeirError`` with ``VAULT_KEY``: another master key or request, or altered data."""
        ...

    def keep(self, subject: str, content: Mapping[str, str], event: EventName) -> Sequence[Publication]:
        """What is to be published to keep the content: the data key and the entry, every time.

        A data key that was published before replaces itself: that it is there does not depend on which earlier
        publications came through. The same for the entry of an event that a stage meets again.
        """
        ...
