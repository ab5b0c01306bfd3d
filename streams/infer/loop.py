"""The inference loop: one batch in the model, the next ones read ahead, and the place in the group kept meanwhile."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final, TypeAlias

from schemas.codec import Message
from schemas.errors import UnavailableError
from streams.agents.batch import BatchRunner
from streams.infer.feed import Feed
from streams.logs import get_logger
from streams.stage import Publications

STOP_SECONDS: Final = 10.0

_POLL_SECONDS: Final = 0.2
_RETRY_SECONDS: Final = 1.0
_STUCK_SECONDS: Final = 60.0  # the loop never waits for the model, nor long for the broker
_Batch: TypeAlias = Future[Sequence[Message]]

_log = get_logger("streams.infer")


class Inference:
    """Answers what the feed gives, in batches of at most ``size``, until told to stop.

    ``runners`` are by the full names of their topics. A batch may go on for ``stop_seconds`` after the end was asked
    for; what is not done then is done again elsewhere. ``run`` belongs to one thread; the checks may be asked from any.
    """

    def __init__(
        self, feed: Feed, runners: Mapping[str, BatchRunner], size: int, stop_seconds: float = STOP_SECONDS
    ) -> None:
        self._feed = feed
        self._runners = runners
        self._size = size
        self._stop_seconds = stop_seconds
        self._model = ThreadPoolExecutor(1, "model")
        self._ending = threading.Event()
        self._beat: float | None = None

    def is_alive(self) -> bool:
        """Whether the loop turns, or has not begun to."""
        return self._beat is None or time.monotonic() - self._beat < _STUCK_SECONDS

    def is_ready(self) -> bool:
        """Whether this process answers work, or stands by with a model that can."""
        return self._feed.assigned and self.is_alive() and not self._ending.is_set()

    def load(self, load: Callable[[], None]) -> None:
        """Load the model where it is going to run. Raises what ``load`` raises."""
        self._model.submit(load).result()

    def run(self, stop: threading.Event) -> bool:
        """Answer until told to stop; whether the last batch came to its end in time.

        Raises:
            UnavailableError: the consumer cannot go on; a new process can.
        """
        self._feed.open()
        running: _Batch | None = None
        try:
            while not stop.is_set():
                running = self._turn(running)
            self._ending.set()
            return self._finish(running)
        finally:
            self._ending.set()
            self._feed.close()
            self._model.shutdown(wait=False)

    def _turn(self, running: _Batch | None) -> _Batch | None:
        """Poll, and put the next batch into the model once the last one is done."""
        self._beat = time.monotonic()
        self._feed.poll(0.0 if running else _POLL_SECONDS)
        if running is not None:
            if not wait([running], _POLL_SECONDS).done:
                return running
            self._feed.commit(running.result())
        messages = self._feed.take(self._size)
        return self._model.submit(self._answer, messages) if messages else None

    def _finish(self, running: _Batch | None) -> bool:
        if running is None:
            return True
        if not wait([running], self._stop_seconds).done:
            return False
        self._feed.commit(running.result())
        return True

    def _answer(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Answer and publish; the messages that are done: all, or none if the end came first. In the model's thread."""
        runner = self._runners[messages[0].topic]
        publications = runner.judge(messages)
        while not _delivered(runner, messages, publications):
            if self._ending.wait(_RETRY_SECONDS):
                return ()
        return messages


def _delivered(runner: BatchRunner, messages: Sequence[Message], publications: Sequence[Publications]) -> bool:
    try:
        runner.deliver(messages, publications)
    except UnavailableError as error:
        _log.warning("not published, trying again", reason=str(error))
        return False
    return True
