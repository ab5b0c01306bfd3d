"""``weir tail``: what goes through a topic, masked unless asked otherwise."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from rich.text import Text

from schemas.codec import Headers
from schemas.dead_letter import Reason, read_reason
from schemas.errors import ConfigError, UnavailableError
from schemas.topics import DEAD_LETTER_SUFFIX, Topic
from streams.kafka.clients import kafka_python_config
from streams.kafka.unanswered import unanswered
from streams.masking.body import Mask, masked_body
from streams.printable import printable
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Seen:
    """One message, ready to be shown. ``body`` is the JSON value, or a note of the size of what is no JSON."""

    partition: int
    offset: int
    time: datetime
    body: object = field(repr=False)
    reason: Reason | None = None

    def to_json(self) -> str:
        """One line of JSON."""
        reason = {"reason": asdict(self.reason)} if self.reason else {}
        place = {"partition": self.partition, "offset": self.offset, "time": self.time.isoformat()}
        return json.dumps({**place, **reason, "body": self.body})

    def to_text(self, brief: Text | None = None) -> Text:
        """One coloured line for a terminal, with what is brief about the body in its place, if there is such."""
        line = Text(f"{self.time:%H:%M:%S} {self.partition}:{self.offset} ", style="dim")
        if self.reason:
            where = f" [{self.reason.field}]" if self.reason.field else ""
            line.append(f"{self.reason.code}{where} {self.reason.message} ", style="red")
        if brief is not None:
            return line.append_text(brief)
        return line.append(printable(json.dumps(self.body, ensure_ascii=False)), style="default")


def see(record: Any, mask: Mask, *, dead: bool) -> Seen:  # noqa: ANN401 - kafka-python publishes no types
    """A consumed record with its body masked."""
    headers: Headers = record.headers or ()
    return Seen(
        record.partition,
        record.offset,
        datetime.fromtimestamp(record.timestamp / 1000, UTC),
        masked_body(record.value, mask),
        read_reason(headers) if dead else None,
    )


class Tail:
    """Follows one topic from its end, or from ``last`` messages before the end of each partition."""

    def __init__(self, settings: Settings, topic: Topic, mask: Mask) -> None:
        self._settings = settings
        self._topic = topic
        self._mask = mask

    def follow(self, last: int, *, wait: bool) -> Iterator[Seen]:
        """Messages as they come; without ``wait``, until the end as it is now.

        Raises:
            UnavailableError: no broker answers.
            ConfigError: the topic does not exist.
        """
        consumer = self._consumer()
        try:
            name = self._settings.topics.of(self._topic)
            numbers = consumer.partitions_for_topic(name)
            if not numbers:
                raise ConfigError(f"the broker has no topic {name}: run `weir topics create`")
            partitions = [TopicPartition(name, number) for number in sorted(numbers)]
            consumer.assign(partitions)
            ends = consumer.end_offsets(partitions)
            starts = consumer.beginning_offsets(partitions)
            for partition in partitions:
                consumer.seek(partition, max(starts[partition], ends[partition] - last))
            yield from self._read(consumer, ends, wait=wait)
        except KafkaError as error:
            raise UnavailableError(f"reading failed: {type(error).__name__}") from None
        finally:
            consumer.close()

    def _read(self, consumer: KafkaConsumer, ends: dict[TopicPartition, int], *, wait: bool) -> Iterator[Seen]:
        dead = self._topic.name.endswith(DEAD_LETTER_SUFFIX)
        while wait or any(consumer.position(partition) < end for partition, end in ends.items()):
            found = consumer.poll(timeout_ms=500)
            records = sorted((r for batch in found.values() for r in batch), key=lambda r: (r.timestamp, r.offset))
            for record in records:
                yield see(record, self._mask, dead=dead)

    def _consumer(self) -> KafkaConsumer:
        try:
            return KafkaConsumer(
                **kafka_python_config(self._settings),
                enable_auto_commit=False,
                isolation_level="read_committed",
                max_partition_fetch_bytes=self._topic.max_message_bytes,
            )
        except KafkaError as error:
            raise unanswered(error) from None
