"""Does the work while this process leads, stands by while another does, and starts over when anything goes wrong."""

import os
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from prometheus_client import Gauge

from schemas.errors import UnavailableError
from streams.kafka.membership import Membership
from streams.logs import get_logger

_POLL_SECONDS: Final = 0.1
_FIRST_WAIT_SECONDS: Final = 0.1
_LONGEST_WAIT_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 1.0
_STUCK_SECONDS: Final = 25.0  # longer than a slow restore goes without a beat, or a transaction without an answer
_SLOW_SECONDS: Final = 5.0  # a write that takes so long is a broker that does not answer


class Tenure(Protocol):
    """One process's time as the one that leads. ``turns`` counts those that went well.

    Raises, from ``begin`` and ``turn``:
        UnavailableError: something did not answer, or is not as it was: close it, and take over anew.
        DeposedError: another process has taken over.
    """

    turns: int

    def begin(self) -> None:
        """Depose whoever led before, and restore the state."""
        ...

    def turn(self) -> None:
        """Do what there is to do; wait a moment if there is nothing."""
        ...

    def close(self) -> None:
        """Let go of every connection."""
        ...


class Leader:
    """One member of a group that one leads. ``run`` belongs to one thread; the checks may be asked from any."""

    def __init__(self, name: str, membership: Membership, tenure: Callable[[], Tenure], leading: Gauge) -> None:
        self._name = name
        self._membership = membership
        self._tenure = tenure
        self._gauge = leading
        self._log = get_logger(f"streams.{name}")
        self._leading = False

    def is_alive(self) -> bool:
        """Whether the loop turns."""
        return self._membership.silence < _STUCK_SECONDS

    def is_ready(self) -> bool:
        """Whether this process does the work, or stands by for the one that does."""
        answers = self._membership.silence < _SLOW_SECONDS
        return answers and self._membership.joined and self._leading == self._membership.leads

    @property
    def leads(self) -> bool:
        """Whether this process is the one that does the work."""
        return self._leading

    def run(self, stop: threading.Event) -> None:
        """Do the work or stand by until told to stop; then leave the group.

        Raises:
            DeposedError: another process does it in this one's place, although the group had not said so.
        """
        self._membership.open()
        failures = 0
        try:
            while not stop.is_set():
                self._membership.poll(_POLL_SECONDS)
                if self._membership.leads:
                    failures = 0 if self._lead(stop) else failures + 1
                    self._stay(min(_FIRST_WAIT_SECONDS * 2**failures, _LONGEST_WAIT_SECONDS), stop)
        finally:
            self._membership.close()

    def _lead(self, stop: threading.Event) -> bool:
        """Lead until told to stop, another leads or something fails; whether anything went well."""
        tenure = self._tenure()
        try:
            tenure.begin()
            self._mark(leading=True)
            while not stop.is_set() and self._membership.leads:
                tenure.turn()
                self._membership.poll(0)
        except UnavailableError as error:
            self._log.warning("starting over", reason=str(error))
        finally:
            self._mark(leading=False)
            tenure.close()
        return tenure.turns > 0

    def _mark(self, *, leading: bool) -> None:
        self._leading = leading
        self._gauge.set(leading)

    def _stay(self, seconds: float, stop: threading.Event) -> None:
        """Wait, and remain in the group meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not stop.is_set():
            self._membership.poll(min(left, _POLL_SECONDS))


class Living(Protocol):
    """Whatever has a loop that may hang."""

    def is_alive(self) -> bool:
        """Whether the loop turns."""
        ...


def end_if_stuck(name: str, loop: Living, ended: threading.Event) -> None:
    """End the process once its loop hangs: all that it knows is in its topic, and the next one goes on from there.

    A client library may wait for ever for a broker that was killed and has come back.
    """
    while not ended.wait(_LOOK_SECONDS):
        if not loop.is_alive():
            get_logger(f"streams.{name}").error(f"{name} hangs and is ended")
            os._exit(1)
