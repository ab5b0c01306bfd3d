"""When something that keeps failing is left alone for a while."""

from collections.abc import Callable
from typing import Final

THRESHOLD: Final = 5
"""Failures in a row that open it."""

_FIRST_SECONDS: Final = 10.0
_LONGEST_SECONDS: Final = 300.0


class Circuit:
    """Closed while things go well. Open, it lets one try through whenever its time is up; each failure doubles that."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._seconds = _FIRST_SECONDS
        self._again: float | None = None

    @property
    def open(self) -> bool:
        """Whether it failed so often that it is left alone."""
        return self._again is not None

    def allows(self) -> bool:
        """Whether to try. A try that an open circuit lets through is the only one for as long again."""
        if self._again is None:
            return True
        if self._clock() < self._again:
            return False
        self._again = self._clock() + self._seconds
        return True

    def succeeded(self) -> None:
        """It works (again)."""
        self._failures, self._seconds, self._again = 0, _FIRST_SECONDS, None

    def failed(self) -> None:
        """It does not."""
        self._failures += 1
        if self._again is not None:
            self._seconds = min(2 * self._seconds, _LONGEST_SECONDS)
            self._again = self._clock() + self._seconds
        elif self._failures >= THRESHOLD:
            self._again = self._clock() + self._seconds
