"""Settles while this process leads, stands by while another does, and starts over whenever anything goes wrong."""

import threading
import time
from typing import Final

from schemas.errors import UnavailableError
from schemas.topics import SETTLED
from streams.assignment import Policies
from streams.consumer_groups import settle_group
from streams.logs import get_logger
from streams.membership import Membership
from streams.metrics import Metrics
from streams.settings import Settings
from streams.settle.step import PoisonError
from streams.settle.tenure import Surroundings, Tenure

_POLL_SECONDS: Final = 0.1
_FIRST_WAIT_SECONDS: Final = 0.1
_LONGEST_WAIT_SECONDS: Final = 5.0
_STUCK_SECONDS: Final = 25.0  # longer than a slow restore goes without a beat, or a transaction without an answer
_SLOW_SECONDS: Final = 5.0  # a write that takes so long is a broker that does not answer
_log = get_logger("streams.settle")


class Settle:
    """One member of settle's group. ``run`` belongs to one thread; the checks may be asked from any."""

    def __init__(self, settings: Settings, metrics: Metrics, policies: Policies) -> None:
        self._metrics = metrics
        self._membership = Membership(settings, SETTLED, settle_group(settings))
        self._poison: set[tuple[str, int, int]] = set()
        self._given = Surroundings(settings, metrics, policies, self._membership, self._poison)
        self._settling = False

    def is_alive(self) -> bool:
        """Whether the loop turns."""
        return self._membership.silence < _STUCK_SECONDS

    def is_ready(self) -> bool:
        """Whether this process settles, or stands by for the one that does."""
        answers = self._membership.silence < _SLOW_SECONDS
        return answers and self._membership.joined and self._settling == self._membership.leads

    @property
    def leads(self) -> bool:
        """Whether this process is the one that settles."""
        return self._settling

    def run(self, stop: threading.Event) -> None:
        """Settle or stand by until told to stop; then leave the group.

        Raises:
            DeposedError: another process settles in this one's place, although the group had not said so.
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
        """Settle until told to stop, another leads or something fails; whether anything went well."""
        tenure = Tenure(self._given)
        try:
            tenure.begin()
            self._mark(settling=True)
            while not stop.is_set() and self._membership.leads:
                tenure.turn()
                self._membership.poll(0)
        except UnavailableError as error:
            _log.warning("starting over", reason=str(error))
        except PoisonError as error:
            _log.error("the rules failed on a message", spot=error.spot, error=type(error.__cause__).__name__)
            self._poison.add(error.spot)
        finally:
            self._mark(settling=False)
            tenure.close()
        return tenure.turns > 0

    def _mark(self, *, settling: bool) -> None:
        self._settling = settling
        self._metrics.leading.set(settling)

    def _stay(self, seconds: float, stop: threading.Event) -> None:
        """Wait, and remain in the group meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not stop.is_set():
            self._membership.poll(min(left, _POLL_SECONDS))
