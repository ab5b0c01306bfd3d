"""Replies on their way out: written together with how far the work is done, or not at all."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Final
from uuid import uuid4

from schemas.errors import UnavailableError
from streams.infer.desk import Reply
from streams.infer.feed import Feed
from streams.kafka.consumer_groups import infer_group
from streams.kafka.place import Place
from streams.kafka.transactions import DeposedError, Transactions
from streams.kafka.unanswered import unanswered
from streams.logs import get_logger
from streams.settings import Settings

_RETRY_SECONDS: Final = 1.0
_UNFINISHED_SECONDS: Final = 10.0  # what a process killed in the middle of a write may keep readers waiting
_LONGEST_SECONDS: Final = 10.0
"""How long a write may take. librdkafka 2.x can wait for ever for a coordinator that was restarted (its issue 5456)."""

_MOST: Final = 500  # replies in one transaction

_log = get_logger("streams.infer")


class Outbox:
    """Keeps replies until they are written. For one thread, the feed's.

    Whether a write that failed counts is not known: it is done again, and settle takes the first of two completions.
    """

    def __init__(self, settings: Settings, feed: Feed, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._feed = feed
        self._clock = clock
        self._replies: list[Reply] = []
        self._transactions: Transactions | None = None
        self._not_before = 0.0

    def __len__(self) -> int:
        return len(self._replies)

    @property
    def closes(self) -> bool:
        """Whether drafts should be there before what is written next."""
        return any(reply.closes for reply in self._replies)

    def add(self, reply: Reply) -> None:
        """Keep a reply to be written."""
        self._replies.append(reply)

    def drop(self, places: Iterable[Place]) -> None:
        """Forget what was to be written for partitions that another has now."""
        gone = frozenset(places)
        self._replies = [r for r in self._replies if Place(r.message.topic, r.message.partition) not in gone]
        # Partitions also go when the broker does, and its successor is another coordinator: see _LONGEST_SECONDS.
        self.close()

    def write(self) -> None:
        """Write what there is, unless the last try has failed just now. Blocks for seconds if a broker is slow."""
        if self._clock() < self._not_before:
            return
        try:
            while self._write_some():
                pass
        except (UnavailableError, DeposedError) as error:
            _log.warning("not published, trying again", reason=str(error))
            self._transactions = None  # what is known of it is too little to go on with; a name of one's own frees it
            self._not_before = self._clock() + _RETRY_SECONDS

    def close(self) -> None:
        """Let go of the connection."""
        transactions, self._transactions = self._transactions, None
        if transactions is not None:
            transactions.close()

    def _write_some(self) -> bool:
        """One transaction; whether there is more. The replies of messages that are done for nobody's sake are none."""
        chosen = self._replies[:_MOST]
        offsets = self._feed.progress(reply.message for reply in chosen)
        if not chosen and not offsets:
            return False
        publications, member = [reply.publication for reply in chosen], self._feed.member
        transactions = self._opened()
        _within(_LONGEST_SECONDS, lambda: transactions.write(publications, offsets, member))
        self._feed.acknowledged(offsets)
        del self._replies[: len(chosen)]
        return bool(self._replies)

    def _opened(self) -> Transactions:
        """The producer; under a name of its own, for what proves its right to commit is its place in the group."""
        if self._transactions is None:
            name = f"{infer_group(self._settings)}.{uuid4()}"
            self._transactions = Transactions(self._settings, name, _UNFINISHED_SECONDS)
            self._transactions.open()
        return self._transactions


def _within(seconds: float, call: Callable[[], None]) -> None:
    """Call, and wait so long at most. What it raises is raised.

    Raises:
        UnavailableError: it did not return. It is left alone, and may do so at any time.
    """
    made: Future[None] = Future()

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            made.set_exception(error)
        else:
            made.set_result(None)

    threading.Thread(target=run, name="outbox", daemon=True).start()
    try:
        made.result(seconds)
    except TimeoutError:
        raise unanswered() from None
