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


class Keeper(Protocol):
    """Encrypts for a subject: a user, or the conversation of nobody in particular. May be called from any thread."""

    def seal(self, subject: str, content: Mapping[str, str]) -> Sealed:
        """The content under the subject's data key: it can be carried along and opened by any process of ours."""
        ...

    def open(self, sealed: Sealed) -> Mapping[str, str]:
        """What was sealed. Raises ``WeirError`` with ``VAULT_KEY``: another master key, or altered data."""
        ...

    def keep(self, subject: str, content: Mapping[str, str], event: EventName) -> Sequence[Publication]:
        """What is to be published to keep the content: the data key where it is new, and the entry."""
        ...
