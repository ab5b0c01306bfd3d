"""SIGTERM as an end that cleans up: Python's own would leave at once, and whatever was started behind."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Within it SIGTERM unwinds the main thread, as Ctrl-C does; the exit status is then 143. For the main thread."""
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
