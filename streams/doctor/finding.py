"""What a check finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from streams.settings import Settings


class State(StrEnum):
    """``ok``; ``warning``: it runs without; ``missing``: it does not."""

    OK = "ok"
    WARNING = "warning"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what is known of it and, unless all is well, what mends it."""

    name: str
    state: State
    what: str
    fix: str = ""


def ok(name: str, what: str) -> Finding:
    """All is well."""
    return Finding(name, State.OK, what)


def warning(name: str, what: str, fix: str) -> Finding:
    """It runs, but not as well as it could."""
    return Finding(name, State.WARNING, what, fix)


def missing(name: str, what: str, fix: str) -> Finding:
    """It does not run like this."""
    return Finding(name, State.MISSING, what, fix)


Check = Callable[[Settings], Iterator[Finding]]
"""Looks at one part of the surroundings and changes nothing. What it has yielded counts, even if it never ends."""
