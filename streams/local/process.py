"""What the supervisor needs to know of a process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

READY_DEADLINE_S: Final = 60.0


def always_ready() -> bool:
    """The check of a process that is ready as soon as it runs."""
    return True


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process: how to run it, and when it counts as ready.

    ``environment`` is whole (None: the supervisor's own). Processes of a lower ``tier`` start, and are ready, before
    those of a higher one, and end after them. ``ready`` is asked a few times a second, should answer in well under a
    second and may raise ``OSError`` for "not yet". ``grace_s`` is the time from SIGTERM to SIGKILL. ``colour`` is a
    name that rich knows.
    """

    name: str
    command: tuple[str, ...]
    tier: int = 0
    environment: Mapping[str, str] | None = field(default=None, repr=False)  # may hold secrets
    ready: Callable[[], bool] = always_ready
    ready_deadline_s: float = READY_DEADLINE_S
    grace_s: float = 10.0
    metrics_url: str | None = None
    colour: str = "cyan"
