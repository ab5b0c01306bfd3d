"""Which messages belong to somebody who was forgotten. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Protocol, Self

from schemas.forgotten import Forgotten

_Name = tuple[str, str]  # an app, and its user's or conversation's id


class Forgets(Protocol):
    """What stages, the writer and replays ask before they go on with a message."""

    def covers(self, app: str, user: str | None, conversation: str | None, moment: datetime) -> bool:
        """Whether what came in at this moment is a forgotten subject's. ``moment`` is the broker's time of the input.

        Where a record names no user, a conversation that was a forgotten user's counts.
        """
        ...


@dataclass(frozen=True, slots=True)
class Erasures:
    """The subjects that were forgotten, and until when what they sent is dropped."""

    users: Mapping[_Name, datetime] = field(default_factory=lambda: MappingProxyType({}))
    conversations: Mapping[_Name, datetime] = field(default_factory=lambda: MappingProxyType({}))
    of_users: Mapping[_Name, datetime] = field(default_factory=lambda: MappingProxyType({}))

    def after(self, records: Iterable[Forgotten]) -> Self:
        """With these forgotten too. Nobody is remembered again: the latest moment counts."""
        users, conversations, of_users = dict(self.users), dict(self.conversations), dict(self.of_users)
        for record in records:
            if record.user is not None:
                _extend(users, (record.app, record.user), record.before)
            if record.conversation is not None:
                _extend(conversations, (record.app, record.conversation), record.before)
            for conversation in record.conversations:
                _extend(of_users, (record.app, conversation), record.before)
        return type(self)(users, conversations, of_users)

    def covers(self, app: str, user: str | None, conversation: str | None, moment: datetime) -> bool:
        """As ``Forgets`` says."""
        found = [self.conversations.get((app, conversation or ""))]
        found.append(self.of_users.get((app, conversation or "")) if user is None else self.users.get((app, user)))
        return any(before is not None and moment <= before for before in found)


def _extend(known: dict[_Name, datetime], name: _Name, before: datetime) -> None:
    known[name] = max(before, known.get(name, before))
