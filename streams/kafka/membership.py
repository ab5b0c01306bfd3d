"""Who does what one process is to do: the member of a group that is given the one partition of a topic."""

import time
from collections.abc import Iterable, Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.errors import UnavailableError
from schemas.topics import Topic
from streams.kafka.clients import confluent_config
from streams.logs import get_logger
from streams.settings import Settings

_log = get_logger("streams.kafka.membership")


class Membership:
    """This process's place in the group. It reads nothing: it is only given the partition, or stands by."""

    def __init__(self, settings: Settings, topic: Topic, group: str) -> None:
        self._settings = settings
        self._topic = topic
        self._group = group
        self._consumer: Consumer | None = None
        self._asked = time.monotonic()
        self.joined = False
        self.leads = False

    def open(self) -> None:
        """Ask to join the group."""
        config = {
            **confluent_config(self._settings),
            "group.id": self._group,
            "enable.auto.commit": False,
            "session.timeout.ms": 6_000,  # the shortest that brokers allow: after a kill -9 others wait this long
            "heartbeat.interval.ms": 1_500,
        }
        self._consumer = Consumer(config)
        self._consumer.subscribe(
            [self._settings.topics.of(self._topic)],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_revoke,
        )

    def close(self) -> None:
        """Leave the group, so that another takes over at once."""
        consumer, self._consumer = self._consumer, None
        self.joined = self.leads = False
        if consumer is not None:
            consumer.close()

    def poll(self, seconds: float) -> None:
        """Learn what has changed. The group takes a member for dead that does not ask for minutes.

        Raises:
            UnavailableError: the group cannot be joined at all.
        """
        self._asked = time.monotonic()
        message = self._opened.poll(seconds)
        error = message.error() if message is not None else None
        if error is None:
            return
        if error.fatal():
            raise UnavailableError(f"the group cannot be joined: {error.name()}")
        _log.warning("broker error", reason=error.name())

    def beat(self) -> None:
        """Stay in the group during long work.

        Raises:
            UnavailableError: another process was given the partition.
        """
        self.poll(0)
        if not self.leads:
            raise UnavailableError("another process was given the lead")

    def note(self, offsets: Sequence[TopicPartition]) -> None:
        """Commit how far inputs were read, for those who ask how far behind it is. Nothing depends on it."""
        if offsets:
            self._opened.commit(offsets=list(offsets), asynchronous=True)

    def commit(self, offsets: Sequence[TopicPartition]) -> None:
        """Record offsets for the group, as the member that it is.

        Raises:
            UnavailableError: the broker did not take them, or takes this one for a member no more.
        """
        try:
            self._opened.commit(offsets=list(offsets), asynchronous=False)
        except KafkaException as error:
            raise UnavailableError(f"offsets not committed: {error.args[0].name()}") from None

    @property
    def silence(self) -> float:
        """Seconds since it was last polled."""
        return time.monotonic() - self._asked

    @property
    def metadata(self) -> object:
        """What proves to the broker that this is still the member that it was."""
        return self._opened.consumer_group_metadata()

    @property
    def _opened(self) -> Consumer:
        if self._consumer is None:
            raise RuntimeError("the membership is not open")
        return self._consumer

    def _on_assign(self, consumer: Consumer, partitions: Iterable[TopicPartition]) -> None:
        consumer.assign([])
        self.joined = True
        self.leads = bool(list(partitions))

    def _on_revoke(self, consumer: Consumer, partitions: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - the callback's signature
        consumer.unassign()
        self.leads = False
