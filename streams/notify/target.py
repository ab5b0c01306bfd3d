"""Where people are told: what a target has to be able to do."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from schemas.alert import Alert
from schemas.errors import Code, WeirError
from schemas.notification import Notification


class RefusedError(WeirError):
    """The target understands the notification and will not have it: sending it again would change nothing."""

    default_code: ClassVar[Code] = Code.NOTIFICATION_REFUSED


class Target(Protocol):
    """One place to tell. Used by one thread; told the same again, it does the same again.

    Raises, from every method:
        UnavailableError: it does not answer, or not well: worth another try.
        RefusedError: it will not have it.
    """

    @property
    def name(self) -> str: ...

    @property
    def reminds(self) -> bool:
        """Whether it wants to be told again of what is still firing."""
        ...

    @property
    def refresh_seconds(self) -> float | None:
        """How often it forgets what is open, and needs ``refresh``; None: never."""
        ...

    def deliver(self, notification: Notification) -> None:
        """Tell it; it has it when this returns."""
        ...

    def refresh(self, alerts: Sequence[Alert]) -> None:
        """Everything that is open and not silenced at the moment."""
        ...
