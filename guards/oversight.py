"""How guards are watched at work: how long they may take, and who is told when they fail."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Final, Protocol

CHARACTERS: Final = 100_000
"""The length of text that ``Oversight.seconds`` is meant for."""


class Fault(StrEnum):
    """What went wrong: it raised (short of memory too), broke its contract, took too long, or was not asked."""

    RAISED = "raised"
    NONSENSE = "nonsense"
    LATE = "late"
    NOT_ASKED = "not asked"


class Watcher(Protocol):
    """Who is told. Called from the threads that judge; must not raise. No argument holds user text."""

    def absent(self, model: str, error: Exception) -> None:
        """A policy at work wants a model that cannot be loaded."""
        ...

    def failed(self, guard: str, fault: Fault, passages: int) -> None:
        """So many passages were not read."""
        ...

    def circuit(self, guard: str, *, is_open: bool) -> None:
        """A guard is not asked any more, or again."""
        ...


class Unwatched:
    """Nobody."""

    def absent(self, model: str, error: Exception) -> None:
        pass

    def failed(self, guard: str, fault: Fault, passages: int) -> None:
        pass

    def circuit(self, guard: str, *, is_open: bool) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Oversight:
    """``seconds`` are what one guard, or the encoder, may take for a batch of ``CHARACTERS`` or fewer; 0: no limit.

    Longer batches have in proportion more.
    """

    watcher: Watcher = field(default_factory=Unwatched)
    seconds: float = 30.0
    clock: Callable[[], float] = monotonic

    def seconds_for(self, characters: int) -> float:
        """The time for a batch of so many characters."""
        return self.seconds * max(1.0, characters / CHARACTERS)
