"""Which policy judges an event."""

from dataclasses import dataclass
from typing import Protocol

from schemas.policy import Policy, PolicyBook


@dataclass(frozen=True, slots=True)
class Assignment:
    """The policy that decides about an event, and one on trial that only watches, if there is any."""

    policy: Policy
    shadow: Policy | None = None


class Policies(Protocol):
    """The policies in force at this moment. May be asked from any thread; answers at once."""

    def assign(self, app: str, conversation: str) -> Assignment | None:
        """The same for all events of a conversation while the policies stay. None: no policy serves the app."""
        ...


class FixedPolicies:
    """Policies that never change."""

    def __init__(self, book: PolicyBook) -> None:
        self._book = book

    def assign(self, app: str, conversation: str) -> Assignment | None:  # noqa: ARG002 - all conversations alike
        policy = self._book.for_app(app)
        return None if policy is None else Assignment(policy)
