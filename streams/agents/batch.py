"""A batch of messages through a stage: judged off the loop, published, and only then done."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import time
from typing import Final, Protocol

from schemas.codec import Message, Outgoing
from schemas.dead_letter import reason_headers
from schemas.errors import Code, UnavailableError, WeirError
from schemas.topics import MIB
from streams.dead_letters.allowance import Allowance
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.stage import Publication, Publications, Stage

BATCH_BYTES: Final = 4 * MIB
"""A batch is also cut by size: a few huge texts take as long as many small ones."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_TIMESTAMP_MS: Final = 253_402_300_799_999  # the end of the year 9999, where datetime ends

logger = get_logger(__name__)


class Publisher(Protocol):
    """Where publications go."""

    def publish(self, publications: Sequence[Publication]) -> Sequence[int]:
        """Block until all are delivered; return the indexes of those too large. Raises ``UnavailableError``."""
        ...


def utc(milliseconds: int) -> datetime:
    """The broker's timestamp; a value outside the calendar (-1: none) becomes its nearest end."""
    return _EPOCH + timedelta(milliseconds=min(max(milliseconds, 0), _LAST_TIMESTAMP_MS))


def cut(sizes: Sequence[int], limit: int = BATCH_BYTES) -> Iterator[slice]:
    """Consecutive slices of at most ``limit`` bytes, or of one message that is larger by itself."""
    start, total = 0, 0
    for index, size in enumerate(sizes):
        if index > start and total + size > limit:
            yield slice(start, index)
            start, total = index, 0
        total += size
    if start < len(sizes):
        yield slice(start, len(sizes))


class BatchRunner:
    """Runs one stage's batches. Both steps block: each belongs in a thread of its own, off the event loop.

    ``dead_letters`` is the full name of the topic for messages that the stage can do nothing with.
    """

    def __init__(
        self, stage: Stage, dead_letters: str, publisher: Publisher, metrics: Metrics, allowance: Allowance
    ) -> None:
        self._stage = stage
        self._allowance = allowance
        self._dead_letters = dead_letters
        self._publisher = publisher
        self._metrics = metrics

    @property
    def name(self) -> str:
        """The stage's name."""
        return self._stage.name

    def judge(self, messages: Sequence[Message]) -> Sequence[Publications]:
        """What each message causes, in order, whatever the stage does. Publishes nothing.

        Raises:
            TooManyDeadLettersError: the stage must stop here, for somebody to look. Nothing may be acknowledged.
        """
        self._metrics.batch_events.labels(self.name).observe(len(messages))
        with self._metrics.guard_seconds.labels(self.name).time():
            ends = self._process(messages)
        dead = sum(any(each.topic == self._dead_letters for each in publications) for publications in ends)
        self._allowance.count(len(messages), dead)
        return ends

    def stopped(self) -> None:
        """Tell of a stop for too many dead letters."""
        self._metrics.dead_letter_stop.labels(self.name).set(1)

    def deliver(self, messages: Sequence[Message], publications: Sequence[Publications]) -> None:
        """Publish what ``judge`` made of ``messages``, and return once the brokers have all of it.

        A message that causes something too large for its topic becomes a dead letter, in the last resort one without
        the original bytes.

        Raises:
            UnavailableError: not everything was delivered. Doing it all again is harmless.
        """
        owners = [index for index, mine in enumerate(publications) for _ in mine]
        refused = self._publisher.publish([publication for mine in publications for publication in mine])
        if refused:
            error = WeirError("the result is too large to be published", code=Code.TOO_LARGE)
            large = [messages[index] for index in sorted({owners[index] for index in refused})]
            again = self._publisher.publish([self._give_up(message, error) for message in large])
            if again and self._publisher.publish([self._bare_letter(large[index], error) for index in again]):
                raise UnavailableError("the brokers refuse even an empty dead letter")
        now = time()
        age = self._metrics.event_age.labels(self.name)
        for message in messages:
            age.observe(max(0.0, now - message.timestamp.timestamp()))

    def _process(self, messages: Sequence[Message]) -> list[Publications]:
        """Halves a batch that raises, so that a poisonous message ends alone and the others as if it were absent."""
        try:
            # strict: every message is answered for, or the batch failed
            return [publications for _, publications in zip(messages, self._stage.process(messages), strict=True)]
        except Exception as error:  # noqa: BLE001 - a guard may raise anything
            if len(messages) == 1:
                return [(self._give_up(messages[0], error),)]
            middle = len(messages) // 2
            return self._process(messages[:middle]) + self._process(messages[middle:])

    def _give_up(self, message: Message, error: Exception) -> Publication:
        # The type only: an exception's text may quote the message.
        position = {"topic": message.topic, "partition": message.partition, "offset": message.offset}
        logger.warning("gave up on a message", stage=self.name, error=type(error).__name__, **position)
        try:
            return self._stage.give_up(message, error)
        except Exception:  # noqa: BLE001 - a message must end, also if the stage cannot say how
            return self._letter(message, WeirError("the stage failed", code=Code.PROCESSING_FAILED))

    def _bare_letter(self, message: Message, error: WeirError) -> Publication:
        """The reason alone: the original is still at the position that it names."""
        return self._letter(replace(message, key=None, value=None, headers=()), error)

    def _letter(self, message: Message, error: WeirError) -> Publication:
        self._metrics.dead_letters.labels(self.name, str(error.code)).inc()
        headers = reason_headers(message, self.name, error)
        return Publication(self._dead_letters, Outgoing(message.key, message.value or b"", headers))
