"""Whether a guard is asked: not while it fails at everything. Pure but for the clock that is passed in."""

from collections.abc import Callable
from threading import Lock
from typing import Final

FAULTS: Final = 5
"""So many batches in a row of which a guard read nothing make it suspect."""

PAUSE_SECONDS: Final = 30.0
"""From one probe of a guard that is not asked to the next."""


class Circuit:
    """One guard's circuit. Thread-safe.

    A suspect guard is probed with a harmless text: if it reads that, the texts were at fault, and nobody can have a
    guard switched off by sending it such texts. If not, the circuit opens, and the guard is asked no more until a later
    probe goes well.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._faults = 0
        self._next_probe: float | None = None
        self._probing = False
        self.is_open = False

    def note(self, *, read: bool, late: bool = False) -> None:
        """A batch is over: whether the guard read any of it, and whether it was late. Once late is suspect enough."""
        with self._lock:
            self._faults = 0 if read else max(self._faults + 1, FAULTS if late else 0)

    def claim_probe(self) -> bool:
        """Whether the caller is to probe now, and to call ``probed``. One caller at a time is."""
        with self._lock:
            due = self._clock() >= (self._next_probe or 0.0) if self.is_open else self._faults >= FAULTS
            if not due or self._probing:
                return False
            self._probing = True
            return True

    def probed(self, *, well: bool) -> bool:
        """How the probe went; whether that opened or closed the circuit."""
        with self._lock:
            changed = self.is_open == well
            self.is_open = not well
            self._faults = 0
            self._probing = False
            self._next_probe = None if well else self._clock() + PAUSE_SECONDS
            return changed
