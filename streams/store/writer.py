"""From Kafka into ClickHouse: every message of the topics that are stored, once, however often the process dies.

Offsets are committed only after the rows are stored, and the rows carry their offsets, so that after a crash the
writer goes on where the store says. While the store is down nothing is read and memory does not grow.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_when_event_set,
    wait_exponential,
    wait_random,
)

from schemas.codec import Message
from schemas.errors import UnavailableError
from streams.erasure.erasures import Erasures, Forgets
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.settings import Settings
from streams.store.batches import Batch, Buffer, Limits
from streams.store.client import RowSink, Store
from streams.store.deposit import Deposit
from streams.store.feed import Feed
from streams.store.positions import read_known
from streams.store.refusals import Refusals
from streams.store.shelves import shelves

_POLL_SECONDS: Final = 0.1
_FIRST_WAIT_SECONDS: Final = 0.2
_LONGEST_WAIT_SECONDS: Final = 15.0
_CHECK_SECONDS: Final = 10.0
_STUCK_SECONDS: Final = 240.0  # under Kafka's limit between two polls; several slow inserts fit in
_log = get_logger("streams.store")


class Writer:
    """One member of the writer's group. ``run`` belongs to one thread; the checks may be asked from any.

    ``sink`` is where rows go, by default the store itself.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        limits: Limits | None = None,
        sink: RowSink | None = None,
        forgets: Forgets | None = None,
    ) -> None:
        self._metrics = metrics
        self._forgets = forgets or Erasures()
        self._store = Store.of(settings)
        self._shelves = shelves(settings.topics)
        self._feed = Feed(settings, leave=self._hand_over)
        self._buffer = Buffer(limits or Limits())
        self._pending: list[Batch] = []
        self._refusals = Refusals(settings, metrics)
        self._sink = sink or self._store
        self._waiting = False
        self._beat = time.monotonic()
        self._checked = 0.0

    def is_alive(self) -> bool:
        """Whether the loop turns."""
        return time.monotonic() - self._beat < _STUCK_SECONDS

    def is_ready(self) -> bool:
        """Whether the broker and the store answer."""
        return self._feed.placed and not self._waiting and self.is_alive()

    def run(self, stop: threading.Event) -> None:
        """Store until told to stop; then store what was read, commit and leave.

        Raises:
            IntegrityError: a topic was created anew: its offsets no longer mean what is stored.
            ConfigError: the store has no such tables.
        """
        self._feed.open()
        try:
            while not stop.is_set():
                self._turn(stop)
            self._hand_over()
        finally:
            self._forget()
            self._feed.close()
            self._store.close()

    def _turn(self, stop: threading.Event) -> None:
        if not self._feed.placed:
            self._insist(self._place, stop)
        for message in self._poll(_POLL_SECONDS):
            self._buffer.add(message, time.monotonic())
        if self._buffer.due(time.monotonic()):
            self._insist(self._flush, stop)
        if time.monotonic() - self._checked > _CHECK_SECONDS:
            # The consumer may wait for ever at an offset that a topic created anew does not have.
            self._insist(self._check, stop)
        self._measure()

    def _poll(self, seconds: float) -> tuple[Message, ...]:
        self._beat = time.monotonic()
        return tuple(self._feed.poll(seconds))

    def _check(self) -> None:
        self._feed.check_topics()
        self._checked = time.monotonic()

    def _place(self) -> None:
        self._feed.place(read_known(self._store))

    def _flush(self) -> None:
        """Store all that is held. After a failure the next call goes on with the batch that failed."""
        self._pending.extend(self._buffer.drain())
        if not self._pending:
            return
        self._check()
        deposit = Deposit(
            self._sink, self._shelves, self._feed.topic_ids, self._refusals.write, self._metrics, self._forgets
        )
        while self._pending:
            batch = self._pending[0]
            self._refusals.expect(len(batch.messages))
            deposit.store(batch)
            self._feed.commit(batch.topic, batch.partition, batch.next_offset)
            del self._pending[0]

    def _hand_over(self) -> None:
        """Store what is held if the store answers at once; otherwise forget it, for it will be read again."""
        try:
            if not self._waiting:
                self._flush()
        except UnavailableError as error:
            _log.warning("left unstored, to be read again", code=str(error.code))
        finally:
            self._forget()

    def _forget(self) -> None:
        self._buffer.clear()
        self._pending.clear()

    def _insist(self, action: Callable[[], None], stop: threading.Event) -> None:
        """Do it, again and again while the store or the broker does not answer, until told to stop."""
        for attempt in Retrying(
            retry=retry_if_exception_type(UnavailableError),
            wait=wait_exponential(_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS) + wait_random(0, _FIRST_WAIT_SECONDS),
            stop=stop_when_event_set(stop),
            before_sleep=self._note,
            sleep=lambda seconds: self._stay(seconds, stop),
            retry_error_callback=lambda state: None,  # noqa: ARG005 - told to stop: `run` ends by itself
        ):
            with attempt:
                action()
        if self._waiting and not stop.is_set():
            self._waiting = False
            self._metrics.store_paused.set(0)
            self._feed.resume()
            _log.info("storing again")

    def _note(self, state: RetryCallState) -> None:
        self._metrics.store_retries.inc()
        error = state.outcome.exception() if state.outcome else None
        if not self._waiting:
            self._waiting = True
            self._metrics.store_paused.set(1)
            _log.warning("waiting", reason=str(error))

    def _stay(self, seconds: float, stop: threading.Event) -> None:
        """Wait, reading nothing, and polling so that the group does not think the writer dead."""
        end = time.monotonic() + seconds
        self._feed.pause()
        while (left := end - time.monotonic()) > 0 and not stop.is_set():
            for message in self._poll(min(left, _POLL_SECONDS)):
                self._buffer.add(message, time.monotonic())  # read before the pause took hold
            self._measure()

    def _measure(self) -> None:
        for topic, behind in self._feed.behind().items():
            self._metrics.store_lag.labels(topic).set(behind)
        held = [batch.messages[0] for batch in self._pending]
        oldest = self._buffer.oldest
        times = [message.timestamp.timestamp() for message in (*held, *([oldest] if oldest else ()))]
        self._metrics.store_age.set(max(0.0, time.time() - min(times)) if times else 0.0)
