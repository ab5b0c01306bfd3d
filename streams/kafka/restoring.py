"""Reading back a process's own records: a topic of one partition, whole, before it goes on."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from schemas.codec import Message
from streams.kafka.received import is_end, is_message, received_message
from streams.kafka.unanswered import unanswered

_SECONDS: Final = 10.0
_HELD_SECONDS: Final = 45.0  # what a killed writer leaves open ends after 30 s, which brokers look for every ten
_AT_ONCE: Final = 5_000


def records(consumer: Consumer, topic: str, beat: Callable[[], None], *, beyond: bool = False) -> Iterator[Message]:
    """Every committed message of the topic that there is at this moment; the consumer is closed at the end.

    The consumer tells partitions' ends. ``beat`` is called now and then. Where several write, what is committed may
    stand behind what another has open: ``beyond`` goes on past such an end, until the caller has what it waits for.

    Raises:
        UnavailableError: the broker does not answer, or the consumer can go on no more.
    """
    try:
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        silent_since, patience = time.monotonic(), _SECONDS
        while time.monotonic() - silent_since < patience:
            beat()
            first = consumer.poll(0.5)
            if first is None:
                continue
            silent_since = time.monotonic()
            for received in (first, *consumer.consume(_AT_ONCE, timeout=0)):
                if is_end(received):
                    if not beyond:
                        return
                    patience = _HELD_SECONDS
                if is_message(received):
                    yield received_message(received)
        raise unanswered()
    finally:
        consumer.close()
