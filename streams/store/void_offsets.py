"""Offsets that hold no event: transaction markers, aborted messages, and what compaction took away."""

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.topics import MIB, TOPICS
from streams.kafka.clients import confluent_config
from streams.kafka.offset_ranges import OffsetRange
from streams.kafka.place import Place
from streams.kafka.unanswered import unanswered
from streams.settings import Settings

_AT_MOST: Final = 50_000  # offsets looked at in one partition; those beyond count as events
_SILENCE_SECONDS: Final = 10.0


class VoidOffsets:
    """Reads what the ledger does not name, as the stages would have, to see whether there is an event at all."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: Consumer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._consumer is not None:
            self._consumer.close()

    def among(self, place: Place, ranges: Iterable[OffsetRange]) -> tuple[OffsetRange, ...]:
        """Those of the offsets that hold no event. What retention has taken meanwhile counts as none.

        Raises:
            UnavailableError: the broker does not answer.
        """
        void: list[OffsetRange] = []
        looked_at = 0
        for gap in ranges:
            part = OffsetRange(gap.first, min(gap.past, gap.first + _AT_MOST - looked_at))
            looked_at += len(part)
            if len(part):
                void.extend(self._skipped(place, part))
        return tuple(void)

    def _skipped(self, place: Place, gap: OffsetRange) -> Iterable[OffsetRange]:
        """The parts of the gap that the reader skips."""
        consumer = self._connected()
        consumer.assign([TopicPartition(place.topic, place.partition, gap.first)])
        at = gap.first
        skipped: list[OffsetRange] = []
        silent_since = time.monotonic()
        while at < gap.past:
            if time.monotonic() - silent_since > _SILENCE_SECONDS:
                raise unanswered(field=place.topic)
            message = consumer.poll(0.5)
            if message is None:
                continue
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own codes begin so
                continue
            silent_since = time.monotonic()
            offset = message.offset()
            assert offset is not None
            skipped.append(OffsetRange(at, min(offset, gap.past)))
            at = offset + 1
            if error is not None:  # the end that a reader of committed messages sees
                break
        return [part for part in skipped if len(part)]

    def _connected(self) -> Consumer:
        if self._consumer is None:
            config = {
                **confluent_config(self._settings),
                "group.id": f"{self._settings.namespace}.audit",  # required, never joined
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,  # the end of a partition is told after each empty fetch, and there are many
                "fetch.max.bytes": 16 * MIB,
                "receive.message.max.bytes": max(topic.max_message_bytes for topic in TOPICS) + 16 * MIB,
            }
            self._consumer = Consumer(config)
            # Otherwise the first look at each topic waits a second until its leader is known.
            try:
                self._consumer.list_topics(timeout=_SILENCE_SECONDS)
            except KafkaException as error:
                raise unanswered(error) from None
        return self._consumer
