"""Who has which review at the moment: the order of the topic ``leases`` decides."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from threading import Condition
from types import TracebackType
from typing import Final, Self
from uuid import UUID, uuid4

from schemas.codec import Message, decode
from schemas.label import Lease
from schemas.topics import LEASES
from streams.kafka.following import Follower
from streams.kafka.unanswered import unanswered
from streams.reviews.posting import Post
from streams.settings import Settings

_PATIENCE_SECONDS: Final = 15.0


class LeaseBook:
    """Leases as the log has them. Pure: time is that of the messages, and what is passed in."""

    def __init__(self) -> None:
        self._until: dict[UUID, dict[str, datetime]] = {}

    def take(self, lease: Lease, written_at: datetime) -> bool:
        """Whether the person has the review now (or, having given it back, has it no more)."""
        holders = dict(self.holders(lease.review_id, written_at))
        others = [name for name in holders if name != lease.by]
        granted = lease.seconds == 0 or len(others) < lease.places
        if granted:
            holders.pop(lease.by, None)
            if lease.seconds:
                holders[lease.by] = written_at + timedelta(seconds=lease.seconds)
        if holders:
            self._until[lease.review_id] = holders
        else:
            self._until.pop(lease.review_id, None)
        return granted

    def holders(self, review_id: UUID, now: datetime) -> Mapping[str, datetime]:
        """Who has the review, each until when."""
        return {name: until for name, until in self._until.get(review_id, {}).items() if until > now}


class Leases:
    """Leases of a running process: follows the topic, and asks for leases."""

    def __init__(self, settings: Settings, post: Post) -> None:
        self._post = post
        self._follower = Follower(settings, LEASES, self._take)
        self._book = LeaseBook()
        self._changed = Condition()
        self._awaited: dict[str, bool | None] = {}

    def __enter__(self) -> Self:
        self._follower.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._follower.stop()

    def holders(self, review_id: UUID) -> frozenset[str]:
        """Who has the review at this moment."""
        with self._changed:
            return frozenset(self._book.holders(review_id, datetime.now(UTC)))

    def ask(self, lease: Lease) -> bool:
        """Ask for a lease, and wait for the log's answer: whether it is granted.

        Raises:
            UnavailableError: the broker does not answer.
        """
        event_id = str(uuid4())
        with self._changed:
            self._awaited[event_id] = None
        try:
            self._post.send(LEASES, lease, str(lease.review_id), event_id)
            return self._answer(event_id)
        finally:
            with self._changed:
                del self._awaited[event_id]

    def _answer(self, event_id: str) -> bool:
        end = time.monotonic() + _PATIENCE_SECONDS
        with self._changed:
            while (answer := self._awaited[event_id]) is None:
                if not self._changed.wait(max(0.0, end - time.monotonic())) and time.monotonic() >= end:
                    raise unanswered(field=LEASES.name)
            return answer

    def _take(self, message: Message) -> None:
        event = decode(message, Lease, LEASES.type_name)
        with self._changed:
            granted = self._book.take(event.record, message.timestamp)
            if event.envelope.id in self._awaited:
                self._awaited[event.envelope.id] = granted
            self._changed.notify_all()
