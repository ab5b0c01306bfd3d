"""A topic of one partition, followed by a thread: what it holds at the start is read before the process goes on."""

from collections.abc import Callable
from contextvars import copy_context
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from schemas.codec import Message
from schemas.errors import UnreadableError, WeirError
from schemas.topics import Topic
from streams.kafka.topic_feed import START_SECONDS, TopicFeed
from streams.logs import get_logger
from streams.settings import Settings

_POLL_SECONDS: Final = 0.2
_RETRY_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 5.0
logger = get_logger(__name__)


class Follower:
    """Hands every message of the topic to ``take``, in order: first from ``start``, then from a thread of its own.

    ``caught_up`` is called in between. What ``take`` cannot read (``UnreadableError``) is passed over. While the broker
    is away nothing comes.
    """

    def __init__(
        self,
        settings: Settings,
        topic: Topic,
        take: Callable[[Message], None],
        caught_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._topic = topic
        self._take = take
        self._caught_up = caught_up
        self._thread: Thread | None = None
        self._stopping = Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self, seconds: float = START_SECONDS) -> None:
        """Return once everything is taken that the topic held at this moment.

        Raises:
            ConfigError: the broker has no such topic.
            UnavailableError: the broker does not answer for so many seconds.
        """
        feed = TopicFeed(self._settings, self._topic)
        try:
            for message in feed.catch_up(seconds):
                self._read(message)
        except WeirError:
            feed.close()
            raise
        self._caught_up()
        follow = copy_context().run  # log lines name the process there too
        self._thread = Thread(target=follow, args=(self._follow, feed), name=self._topic.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let go of the broker, soon even while something is being taken. May be called twice."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def _follow(self, feed: TopicFeed) -> None:
        while not self._stopping.is_set():
            try:
                message = feed.poll(_POLL_SECONDS)
                if message is not None:
                    self._read(message)
            except Exception as error:  # noqa: BLE001 - without this thread the process would know old things for ever
                reason = type(error).__name__  # the error's text may quote
                logger.error("not read, trying again", topic=self._topic.name, error=reason)  # noqa: TRY400 - likewise
                self._stopping.wait(_RETRY_SECONDS)
        feed.close()

    def _read(self, message: Message) -> None:
        try:
            self._take(message)
        except UnreadableError as error:
            logger.warning("refused", topic=self._topic.name, code=str(error.code), offset=message.offset)
