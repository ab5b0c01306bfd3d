"""The erasures of a running process: whatever the topic ``forgotten`` says, from the start and on."""

from contextvars import copy_context
from datetime import datetime
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from schemas.codec import Message, decode
from schemas.errors import UnreadableError, WeirError
from schemas.forgotten import Forgotten
from schemas.topics import FORGOTTEN
from streams.erasure.erasures import Erasures
from streams.kafka.topic_feed import START_SECONDS, TopicFeed
from streams.kafka.topic_reader import TopicReader
from streams.logs import get_logger
from streams.settings import Settings

_POLL_SECONDS: Final = 0.2
_RETRY_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 5.0

logger = get_logger(__name__)


class LiveErasures:
    """As ``Forgets`` says, and always the latest: a context that follows the topic while it lasts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._erasures = Erasures()
        self._stopping = Event()
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        """Return once everything is read that the topic held at this moment.

        Raises:
            ConfigError: the broker has no topic ``forgotten``.
            UnavailableError: the broker does not answer.
        """
        feed = TopicFeed(self._settings, FORGOTTEN)
        try:
            self._erasures = self._erasures.after(filter(None, map(_read, feed.catch_up(START_SECONDS))))
        except WeirError:
            feed.close()
            raise
        follow = copy_context().run  # log lines name the process there too
        self._thread = Thread(target=follow, args=(self._follow, feed), name="erasures", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def covers(self, app: str, user: str | None, conversation: str | None, moment: datetime) -> bool:
        return self._erasures.covers(app, user, conversation, moment)

    def _follow(self, feed: TopicFeed) -> None:
        while not self._stopping.is_set():
            try:
                message = feed.poll(_POLL_SECONDS)
            except Exception as error:  # noqa: BLE001 - without this thread the process would bring subjects back
                logger.error("erasures not read, trying again", error=type(error).__name__)  # noqa: TRY400 - may quote
                self._stopping.wait(_RETRY_SECONDS)
                continue
            record = _read(message) if message is not None else None
            if record is not None:
                self._erasures = self._erasures.after([record])
        feed.close()


def _read(message: Message) -> Forgotten | None:
    """The record; None for what somebody else wrote to the topic."""
    if message.value is None:
        return None
    try:
        return decode(message, Forgotten, FORGOTTEN.type_name).record
    except UnreadableError as error:
        logger.error("erasure refused", code=error.code, partition=message.partition, offset=message.offset)  # noqa: TRY400 - a traceback adds nothing
        return None


def known_erasures(settings: Settings) -> Erasures:
    """What is forgotten at this moment.

    Raises:
        UnavailableError: the broker does not answer.
    """
    with TopicReader(settings, (settings.topics.of(FORGOTTEN),)) as reader:
        return Erasures().after(filter(None, map(_read, reader.read())))
