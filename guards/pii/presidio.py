"""What the guard sees of Presidio, and how to import it for its pattern recognisers alone.

``import presidio_analyzer`` also imports torch and transformers where they are installed, for engines that are not
used here: 9 CPU-seconds and 800 MB against 1.5 and 100. And some recognisers log what they matched.
"""

import logging
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Protocol

_OPTIONAL = frozenset({"torch", "transformers", "tensorflow", "stanza"})


class Found(Protocol):
    """Presidio's ``RecognizerResult``: code points ``start`` to ``end`` and a score of 0 to 1."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def score(self) -> float: ...


class Recognizer(Protocol):
    """Presidio's ``EntityRecognizer``."""

    def analyze(self, text: str, entities: list[str]) -> list[Found]: ...


class _Absent(MetaPathFinder):
    """Refuses the first import of the named packages, to one thread only."""

    def __init__(self, packages: frozenset[str], thread: int) -> None:
        self._packages = packages
        self._thread = thread

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Never a spec: raises ``ModuleNotFoundError`` for what is absent, leaves the rest to other finders."""
        del path, target
        if threading.get_ident() == self._thread and fullname.partition(".")[0] in self._packages:
            raise ModuleNotFoundError(f"{fullname} is not wanted here", name=fullname)
        return None


@contextmanager
def patterns_only() -> Iterator[None]:
    """Inside, this thread imports Presidio without the model libraries, and Presidio's log stays silent after.

    Other threads import what they like meanwhile, and what is imported already stays.
    """
    absent = _Absent(_OPTIONAL, threading.get_ident())
    sys.meta_path.insert(0, absent)
    try:
        yield
    finally:
        sys.meta_path.remove(absent)
        logging.getLogger("presidio-analyzer").disabled = True
