"""Which topics the broker has, and under which ids, in confluent-kafka: what processes that run for weeks ask."""

import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from schemas.errors import UnavailableError
from streams.kafka.clients import confluent_config
from streams.kafka.unanswered import unanswered
from streams.settings import Settings

SPREAD_SECONDS: Final = 10.0
"""How long a broker may not know of a topic that was just made."""

_SECONDS: Final = 10.0
_GRACE_SECONDS: Final = 5.0  # the library keeps its own time; this ends a wait even if it should not
_PAUSE_SECONDS: Final = 0.1
_URL_SAFE: Final = str.maketrans("+/", "-_")  # as Kafka's tools write it; librdkafka does not


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """A topic as it is. ``topic_id`` is written as Kafka's tools write it; a topic created anew has another.

    ``replication`` is that of the partition with the fewest replicas.
    """

    name: str
    topic_id: str
    partitions: int
    replication: int


class TopicDescriber:
    """Asks for topics by name, in bounded time even while brokers die and come back. Connects when first used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: AdminClient | None = None

    def close(self) -> None:
        """Let go of the connection. May be called twice."""
        self._client = None

    def describe(self, names: Iterable[str]) -> Mapping[str, TopicDescription]:
        """Those of the topics that exist, by name.

        Raises:
            UnavailableError: the broker does not answer within ten seconds, or refuses.
        """
        wanted = sorted(set(names))
        if not wanted:
            return {}
        if self._client is None:
            self._client = AdminClient(confluent_config(self._settings))
        try:
            futures = self._client.describe_topics(TopicCollection(wanted), request_timeout=_SECONDS)
            return {found.name: found for found in _existing(futures)}
        except (KafkaException, TimeoutError) as error:
            self.close()
            raise unanswered(error) from None


def description_of(describer: TopicDescriber, name: str, seconds: float = SPREAD_SECONDS) -> TopicDescription | None:
    """The topic, which may have been made just now; None if it is not there for so many seconds. Blocks meanwhile.

    Raises:
        UnavailableError: the broker does not answer.
    """
    end = time.monotonic() + seconds
    while (found := describer.describe([name]).get(name)) is None and time.monotonic() < end:
        time.sleep(_PAUSE_SECONDS)
    return found


def described(describer: TopicDescriber, names: Iterable[str]) -> Mapping[str, TopicDescription]:
    """All of the topics, by name.

    Raises:
        UnavailableError: the broker does not answer, or one of them is not there.
    """
    wanted = set(names)
    found = describer.describe(wanted)
    if absent := wanted - found.keys():
        raise UnavailableError("the topic is not there: run `weir topics create`", field=min(absent))
    return found


def _existing(futures: Mapping[str, Future[Any]]) -> Iterator[TopicDescription]:
    for name, future in futures.items():
        try:
            found = future.result(_SECONDS + _GRACE_SECONDS)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise
        else:
            replication = min(len(partition.replicas) for partition in found.partitions)
            yield TopicDescription(name, str(found.topic_id).translate(_URL_SAFE), len(found.partitions), replication)
