"""Library logs that do not repeat themselves."""

import logging
from time import monotonic
from typing import Final

QUIET_SECONDS: Final = 30.0

_LIBRARIES: Final = ("aiokafka", "faust", "mode")


class SparingFilter(logging.Filter):
    """Lets a library's log statement through once in ``QUIET_SECONDS``.

    While a broker is away, aiokafka logs sixty errors a second, all of them the same four statements.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] not in _LIBRARIES:
            return True
        statement, now = (record.pathname, record.lineno), monotonic()
        if now - self._last.get(statement, -QUIET_SECONDS) < QUIET_SECONDS:
            return False
        self._last[statement] = now
        return True


def log_sparingly() -> None:
    """Put the filter on the handlers of the root logger. Call it after the logs are set up."""
    sparing = SparingFilter()
    for handler in logging.getLogger().handlers:
        handler.addFilter(sparing)
