"""The writer's Kafka consumer: it knows which partitions it has, and reads none before it knows where to begin."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from schemas.codec import Message
from schemas.errors import IntegrityError, UnavailableError
from schemas.topics import MIB, STATE, TOPICS
from streams.kafka.clients import confluent_config, membership
from streams.kafka.consumer_groups import store_group
from streams.kafka.place import Place
from streams.kafka.received import is_message, received_message
from streams.kafka.topic_descriptions import TopicDescriber
from streams.kafka.unanswered import unanswered
from streams.logs import get_logger
from streams.settings import Settings
from streams.store.positions import Known

_AT_ONCE: Final = 500  # messages
_BROKER_SECONDS: Final = 10.0
_LARGEST: Final = max(topic.max_message_bytes for topic in TOPICS)
_log = get_logger("streams.store")


def topics_to_store(settings: Settings) -> tuple[str, ...]:
    """The topics that the writer reads, by full name."""
    return tuple(settings.topics.of(topic) for topic in TOPICS if "store" in topic.read_by and topic not in STATE)


class Feed:
    """Messages of the partitions that the group gives this member, each from where it was told to begin.

    ``leave`` is called, from within ``poll``, before partitions are handed over; what was read of them and is not
    stored by then is read again, here or elsewhere.
    """

    def __init__(self, settings: Settings, leave: Callable[[], None]) -> None:
        self._settings = settings
        self._leave = leave
        self._describer = TopicDescriber(settings)
        self._consumer: Consumer | None = None
        self._given: tuple[Place, ...] = ()
        self._next: dict[Place, int] = {}
        self._changes = 0
        self.topic_ids: dict[str, str] = {}
        self.placed = True

    def open(self) -> None:
        """Join the group."""
        config = {
            **confluent_config(self._settings),
            "group.id": store_group(self._settings),
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            **membership(self._settings),
            "topic.metadata.refresh.interval.ms": 10_000,  # a topic made after the start is found soon
            # A few large verdicts must not fill the memory, and the largest must get through: the broker sends one
            # message whatever its size.
            "queued.max.messages.kbytes": 16 * 1024,
            "fetch.message.max.bytes": 4 * MIB,
            "fetch.max.bytes": 16 * MIB,
            "receive.message.max.bytes": _LARGEST + 16 * MIB,
        }
        self._consumer = Consumer(config)
        self._consumer.subscribe(
            list(topics_to_store(self._settings)),
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_revoke,
        )

    def close(self) -> None:
        """Leave the group, at once."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()
        self._describer.close()

    def poll(self, seconds: float) -> Sequence[Message]:
        """What has arrived within so many seconds, in offset order within each partition."""
        before = self._changes
        received = self._opened.consume(_AT_ONCE, timeout=seconds)
        if self._changes != before:
            # Read before partitions changed hands: storing it now could leave a hole before it.
            return ()
        return tuple(received_message(each) for each in received if is_message(each))

    def place(self, known: Known) -> None:
        """Begin to read the given partitions, each past what is stored and what is committed.

        Raises:
            IntegrityError: a topic was created anew since rows of it were stored.
            UnavailableError: the broker does not answer.
        """
        self.topic_ids = self._described()
        for topic in {place.topic for place in self._given}:
            known.check(topic, self.topic_ids[topic])
        starts = []
        for place, committed in self._committed().items():
            start = known.resume(place.topic, self.topic_ids[place.topic], place.partition, committed)
            starts.append(TopicPartition(*_pair(place), OFFSET_BEGINNING if start is None else start))
            self._next[place] = start or 0
        self._opened.assign(starts)
        # A pause outlives a rebalance: a partition that was paused before it changed hands would stay silent.
        self._opened.resume(starts)
        self.placed = True
        _log.info("reading", partitions=len(starts))

    def check_topics(self) -> None:
        """Make sure that what was read so far is of the topics that it seems to be of.

        An id never comes back: if it is still the same, no message read before was another topic's.

        Raises:
            IntegrityError: a topic was deleted and created again.
            UnavailableError: the broker does not answer.
        """
        current = self._described()
        for topic, topic_id in self.topic_ids.items():
            if current.get(topic, topic_id) != topic_id:
                raise IntegrityError("the topic was created anew while it was read", field=topic)

    def commit(self, topic: str, partition: int, next_offset: int) -> None:
        """Record that everything before is stored. A failure is only noted: the store knows it too."""
        self._next[Place(topic, partition)] = next_offset
        try:
            self._opened.commit(offsets=[TopicPartition(topic, partition, next_offset)], asynchronous=False)
        except KafkaException as error:
            _log.warning("offset not committed", topic=topic, partition=partition, reason=_name(error))

    def pause(self) -> None:
        """Read nothing more for now, and stay in the group."""
        self._opened.pause(self._opened.assignment())

    def resume(self) -> None:
        """Read again."""
        self._opened.resume(self._opened.assignment())

    def behind(self) -> Mapping[str, int]:
        """Messages not stored yet, by topic, as far as the consumer knows."""
        sums: dict[str, int] = {}
        for place, start in self._next.items():
            _, end = self._opened.get_watermark_offsets(TopicPartition(*_pair(place)), cached=True)
            sums[place.topic] = sums.get(place.topic, 0) + max(0, end - start)
        return sums

    @property
    def _opened(self) -> Consumer:
        if self._consumer is None:
            raise RuntimeError("the feed is not open")
        return self._consumer

    def _described(self) -> dict[str, str]:
        """The ids of the topics that exist, those of the inputs included: dead letters name them."""
        found = self._describer.describe(map(self._settings.topics.of, TOPICS))
        absent = {place.topic for place in self._given} - found.keys()
        if absent:
            raise UnavailableError("the topic is gone", field=min(absent))
        return {name: topic.topic_id for name, topic in found.items()}

    def _committed(self) -> Mapping[Place, int | None]:
        asked = [TopicPartition(*_pair(place)) for place in self._given]
        try:
            answers = self._opened.committed(asked, timeout=_BROKER_SECONDS) if asked else []
        except KafkaException as error:
            raise unanswered(error) from None
        return {Place(each.topic, each.partition): each.offset if each.offset >= 0 else None for each in answers}

    def _on_assign(self, consumer: Consumer, partitions: Iterable[TopicPartition]) -> None:
        # The store may be down at this moment: nothing is read until `place` has found out where to begin.
        consumer.assign([])
        self._given = tuple(sorted(Place(each.topic, each.partition) for each in partitions))
        self._next.clear()
        self._changes += 1
        self.placed = False

    def _on_revoke(self, consumer: Consumer, partitions: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - the callback's signature
        self._leave()
        consumer.unassign()
        self._given = ()
        self._next.clear()
        self._changes += 1
        self.placed = True


def _pair(place: Place) -> tuple[str, int]:
    return place.topic, place.partition


def _name(error: KafkaException) -> str:
    return str(error.args[0].name()) if error.args else type(error).__name__
