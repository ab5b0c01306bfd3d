"""One target's thread: it tells what is due, again and again until the target has it, and notes what became of it."""

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.errors import UnavailableError, WeirError
from schemas.notification import Notice, Notification
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.notify.book import Book
from streams.notify.due import Outstanding, Terms, grouped, outstanding
from streams.notify.target import RefusedError, Target

_FIRST_WAIT_SECONDS: Final = 1.0
_LONGEST_WAIT_SECONDS: Final = 300.0
_TURN_SECONDS: Final = 0.2
_log = get_logger("streams.notify")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a courier shares with the others: the book under a lock, and how notices are written.

    ``write`` returns once the notice is delivered, and raises ``UnavailableError``.
    """

    book: Book
    lock: threading.Lock
    write: Callable[[Notice], None]
    metrics: Metrics
    clock: Callable[[], datetime]
    terms: Terms
    give_up: timedelta


class Courier:
    """Tells one target. ``floor`` is where it begins in ``alerts``, for what has ended; ``turn`` is called often."""

    def __init__(self, target: Target, given: Surroundings, floor: int) -> None:
        self._target = target
        self._given = given
        self._terms = given.terms if target.reminds else Terms(given.terms.group, None)
        self.floor = floor
        self._failing_since: datetime | None = None
        self._failures = 0
        self._retry_at: datetime | None = None
        self._refresh_at: datetime | None = None

    @property
    def name(self) -> str:
        """The target's."""
        return self._target.name

    def run(self, stop: threading.Event) -> None:
        """Turn until told to stop. What fails for a reason that is not the target's is tried again as well."""
        while not stop.wait(_TURN_SECONDS):
            try:
                self.turn()
            except Exception as error:  # noqa: BLE001 - one target's bug must not silence it for ever, or the others
                _log.error("telling failed", target=self.name, error=type(error).__name__)
                self._wait()

    def position(self, end: int) -> int:
        """The offset in ``alerts`` below which the target has nothing left to be told."""
        with self._given.lock:
            left = self._outstanding(self._given.clock())
        return min((each.known.offset for each in left), default=end)

    def turn(self) -> None:
        """Tell everything that is due, unless the target has just failed."""
        now = self._given.clock()
        with self._given.lock:
            left = self._outstanding(now)
        self._measure(left, now)
        if self._retry_at is not None and now < self._retry_at:
            return
        for notification in grouped(left, now):
            if not self._tell(notification):
                return
        self._refresh(now)

    def _outstanding(self, now: datetime) -> tuple[Outstanding, ...]:
        return outstanding(self._given.book, self.name, self._terms, self.floor, now)

    def _tell(self, notification: Notification) -> bool:
        """Tell, and note it; whether the target can be told more."""
        try:
            self._target.deliver(notification)
        except RefusedError as error:
            self._note(notification, "given_up", error.message)
            return True
        except UnavailableError as error:
            self._failed(error)
            if self._is_hopeless():
                self._note(notification, "given_up", error.message)
            return False
        self._note(notification, "delivered", None)
        return True

    def _refresh(self, now: datetime) -> None:
        every = self._target.refresh_seconds
        if every is None or (self._refresh_at is not None and now < self._refresh_at):
            return
        with self._given.lock:
            book = self._given.book
            told = (self._given.book.told(self.name, known.alert.fingerprint) for known in book.alerts)
            names = {each.fingerprint for each in told if each is not None and each.state != "resolved"}
            alerts = [
                known.alert
                for known in book.alerts
                if known.alert.fingerprint in names
                and known.alert.state in {"firing", "no_data"}
                and book.silenced(known.alert, now) is None
            ]
        try:
            self._target.refresh(alerts)
        except (UnavailableError, RefusedError) as error:
            self._failed(error)
            return
        self._refresh_at = now + timedelta(seconds=every)

    def _note(self, notification: Notification, outcome: str, reason: str | None) -> None:
        """Write a notice for every alert. If that fails the target is told again, under the same id."""
        for alert in notification.alerts:
            notice = Notice.model_validate(
                {
                    "target": self.name,
                    "fingerprint": alert.fingerprint,
                    "state": notification.state,
                    "since": alert.since,
                    "severity": alert.severity,
                    "outcome": outcome,
                    "why": notification.why,
                    "notification_id": notification.notification_id,
                    "at": self._given.clock(),
                    "attempts": self._failures + 1,
                    "reason": reason,
                }
            )
            self._given.write(notice)
            with self._given.lock:
                self._given.book.note(notice)
        self._given.metrics.notifications.labels(self.name, outcome).inc()
        if outcome == "given_up":
            _log.error("given up", target=self.name, notification=str(notification.notification_id), reason=reason)
        self._failures, self._failing_since, self._retry_at = 0, None, None

    def _failed(self, error: WeirError) -> None:
        self._given.metrics.notify_failures.labels(self.name).inc()
        if self._failing_since is None:
            self._failing_since = self._given.clock()
            _log.warning("not told", target=self.name, reason=error.message)
        self._wait()

    def _wait(self) -> None:
        longest = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2 ** min(self._failures, 20))
        self._failures += 1
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - several notifiers should not come back at once, no secret
        self._retry_at = self._given.clock() + timedelta(seconds=longest * jitter)

    def _is_hopeless(self) -> bool:
        return self._failing_since is not None and self._given.clock() - self._failing_since >= self._given.give_up

    def _measure(self, left: Sequence[Outstanding], now: datetime) -> None:
        self._given.metrics.notify_outstanding.labels(self.name).set(len(left))
        oldest = min((each.known.seen for each in left if each.due), default=now)
        self._given.metrics.notify_age.labels(self.name).set((now - oldest).total_seconds())
