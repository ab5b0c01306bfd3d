"""Reads alerts while this process leads, and lets a courier for each target tell of them.

What was told is written to ``notices`` after it was delivered, and before anything else is told by the same target:
killed in between, the notifier tells it again under the same id. Nothing else is remembered.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.codec import Message
from schemas.dead_letter import dead_letter
from schemas.errors import UnavailableError, UnreadableError
from schemas.notification import Notice
from schemas.topics import ALERTS, NOTICES
from streams.agents.producer import BatchProducer
from streams.kafka.clients import confluent_config
from streams.kafka.consumer_groups import notify_group
from streams.kafka.membership import Membership
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.notify.book import Book
from streams.notify.courier import Courier, Surroundings
from streams.notify.due import Terms
from streams.notify.feed import INPUTS, Feed
from streams.notify.lag import LagWatch
from streams.notify.records import notice_publication, take_in
from streams.notify.target import Target
from streams.settings import Settings
from streams.stage import Publication

STAGE: Final = "notify"
_POLL_SECONDS: Final = 0.2
_LONGEST_WAIT_SECONDS: Final = 5.0
_STUCK_SECONDS: Final = 60.0
_DELIVERY_SECONDS: Final = 30.0
_STATES: Final = ("pending", "firing", "no_data")
_log = get_logger("streams.notify")


class Notifier:
    """One member of the notifier's group. ``run`` belongs to one thread; the checks may be asked from any."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        targets: Sequence[Target],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._targets = targets
        self._clock = clock
        self._membership = Membership(settings, ALERTS, notify_group(settings))
        self._producer = BatchProducer(confluent_config(settings), delivery_seconds=_DELIVERY_SECONDS)
        self._publishing = threading.Lock()
        self._telling = False

    def is_alive(self) -> bool:
        """Whether the loop turns."""
        return self._membership.silence < _STUCK_SECONDS

    def is_ready(self) -> bool:
        """Whether this process tells, or stands by for the one that does."""
        return self.is_alive() and self._membership.joined and self._telling == self._membership.leads

    def run(self, stop: threading.Event) -> None:
        """Tell or stand by until told to stop; what is being delivered then is finished."""
        self._producer.start()
        self._membership.open()
        failures = 0
        try:
            while not stop.is_set():
                self._membership.poll(_POLL_SECONDS)
                if not self._membership.leads:
                    continue
                try:
                    self._lead(stop)
                    failures = 0
                except UnavailableError as error:
                    _log.warning("starting over", reason=str(error))
                    failures += 1
                    self._stay(min(0.2 * 2**failures, _LONGEST_WAIT_SECONDS), stop)
        finally:
            self._producer.stop()
            self._membership.close()

    def _lead(self, stop: threading.Event) -> None:
        feed, book, lock = Feed(self._settings), Book(), threading.Lock()
        try:
            feed.open()
            while not feed.caught_up and self._leads(stop):
                self._take_in(feed, book, lock)
            if feed.caught_up:
                couriers = self._couriers(feed, book, lock)
                with self._at_work(couriers):
                    while self._leads(stop):
                        self._take_in(feed, book, lock)
                        self._commit(feed, couriers)
        finally:
            feed.close()

    def _leads(self, stop: threading.Event) -> bool:
        self._membership.poll(0)
        return self._membership.leads and not stop.is_set()

    def _couriers(self, feed: Feed, book: Book, lock: threading.Lock) -> Sequence[Courier]:
        given = Surroundings(
            book=book,
            lock=lock,
            write=self._write,
            metrics=self._metrics,
            clock=self._clock,
            terms=Terms(
                group=timedelta(seconds=self._settings.notify_group_seconds),
                repeat=timedelta(hours=self._settings.notify_repeat_hours),
            ),
            give_up=timedelta(hours=self._settings.notify_give_up_hours),
        )
        return [Courier(target, given, feed.positions.get(target.name, feed.end)) for target in self._targets]

    @contextmanager
    def _at_work(self, couriers: Sequence[Courier]) -> Iterator[None]:
        """The couriers in threads of their own; at the end each finishes what it is telling."""
        stop = threading.Event()
        watch = LagWatch(self._settings, self._metrics)
        jobs = {"lag": watch.run, **{each.name: each.run for each in couriers}}
        threads = [threading.Thread(target=run, args=(stop,), name=name, daemon=True) for name, run in jobs.items()]
        for thread in threads:
            thread.start()
        self._telling = True
        _log.info("telling", targets=[each.name for each in couriers])
        try:
            yield
        finally:
            self._telling = False
            stop.set()
            for thread in threads:
                thread.join(_DELIVERY_SECONDS)

    def _take_in(self, feed: Feed, book: Book, lock: threading.Lock) -> None:
        catching_up = not feed.caught_up
        for message in feed.read(_POLL_SECONDS):
            # Notices that come later are this process's own: the couriers have noted them already.
            if message.topic == self._settings.topics.of(NOTICES) and not catching_up:
                continue
            try:
                with lock:
                    take_in(book, self._settings.topics, message, self._clock())
            except UnreadableError as error:
                self._give_up(message, error, feed.committed or 0)
        for state in _STATES:
            self._metrics.alerts.labels(state).set(sum(known.alert.state == state for known in book.alerts))

    def _give_up(self, message: Message, error: UnreadableError, committed: int) -> None:
        """What cannot be read is a dead letter once: below what is committed it has been one."""
        topic = next(each for each in INPUTS if self._settings.topics.of(each) == message.topic)
        _log.error("unreadable", topic=message.topic, offset=message.offset, code=str(error.code))
        if topic is ALERTS and message.offset >= committed:
            letter = dead_letter(message, STAGE, error, topic.max_message_bytes)
            self._publish(Publication(self._settings.topics.dead_letters_of(topic), letter))
            self._metrics.dead_letters.labels(STAGE, str(error.code)).inc()

    def _commit(self, feed: Feed, couriers: Sequence[Courier]) -> None:
        positions: Mapping[str, int] = {each.name: each.position(feed.end) for each in couriers}
        if feed.committed is None or positions != feed.positions:
            feed.commit(positions, self._membership.commit)
            for each in couriers:
                each.floor = positions[each.name]

    def _write(self, notice: Notice) -> None:
        self._publish(notice_publication(notice, self._settings.topics))

    def _publish(self, publication: Publication) -> None:
        with self._publishing:
            self._producer.publish([publication])

    def _stay(self, seconds: float, stop: threading.Event) -> None:
        """Wait, and remain in the group meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not stop.is_set():
            self._membership.poll(min(left, _POLL_SECONDS))
