"""The plans of a running process: whatever the topic ``sampling`` says."""

from contextvars import copy_context
from datetime import datetime
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from schemas.codec import Message, decode
from schemas.errors import UnreadableError, WeirError
from schemas.sampling import SamplingPlan
from schemas.topics import SAMPLING
from streams.logs import get_logger
from streams.sampling.plans import PlanBook
from streams.settings import Settings
from streams.topic_feed import START_SECONDS, TopicFeed

_POLL_SECONDS: Final = 0.2
_RETRY_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 5.0
logger = get_logger(__name__)


class LivePlans:
    """As ``Plans`` says, and always the latest: ``start`` it, and ``stop`` it at the end.

    What cannot be read is passed over. While the broker is away the last plan stays in force.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.book = PlanBook()
        self._thread: Thread | None = None
        self._stopping = Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self, seconds: float = START_SECONDS) -> None:
        """Return once everything is read that the topic held at this moment.

        Raises:
            ConfigError: the broker has no topic ``sampling``.
            UnavailableError: the broker does not answer for so many seconds.
        """
        feed = TopicFeed(self._settings, SAMPLING)
        try:
            for message in feed.catch_up(seconds):
                self._take(message)
        except WeirError:
            feed.close()
            raise
        follow = copy_context().run  # log lines name the process there too
        self._thread = Thread(target=follow, args=(self._follow, feed), name="sampling", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let go of the broker. The plans stay. May be called twice."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def factor(self, policy_id: str, arrived: datetime) -> float:
        return self.book.factor(policy_id, arrived)

    def _follow(self, feed: TopicFeed) -> None:
        while not self._stopping.is_set():
            try:
                message = feed.poll(_POLL_SECONDS)
                if message is not None:
                    self._take(message)
            except Exception as error:  # noqa: BLE001 - without this thread the process would draw by old plans for ever
                logger.error("plans not read, trying again", error=type(error).__name__)  # noqa: TRY400 - it may quote
                self._stopping.wait(_RETRY_SECONDS)
        feed.close()

    def _take(self, message: Message) -> None:
        try:
            plan = decode(message, SamplingPlan, SAMPLING.type_name).record
        except UnreadableError as error:
            logger.warning("plan refused", code=str(error.code), offset=message.offset)
            return
        if self.book.take(plan, message.timestamp):
            logger.info("sampling plan", policy=plan.policy, factor=plan.factor, begins_at=plan.begins_at.isoformat())
