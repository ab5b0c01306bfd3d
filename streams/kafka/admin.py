"""Questions to the broker, in kafka-python, with our own errors and records."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from kafka import IsolationLevel, KafkaAdminClient, TopicPartition
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    OffsetSpec,
    ResourcePattern,
    ResourceType,
)
from kafka.errors import KafkaError, NoError, RetriableError, TopicAlreadyExistsError, for_code
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from schemas.errors import UnavailableError
from schemas.topics import Topic
from streams.kafka.access import Grant
from streams.kafka.clients import kafka_python_config
from streams.kafka.offset_ranges import OffsetRange
from streams.kafka.place import Place
from streams.kafka.topic_descriptions import TopicDescriber, TopicDescription
from streams.kafka.unanswered import unanswered
from streams.settings import Settings

_PATIENCE_SECONDS: Final = 10.0
_SPREAD_MS: Final = 60_000  # a topic is there when the broker says so, and may be used some moments later


@dataclass(frozen=True, slots=True)
class FirstSince:
    """The first message that the broker took in at or after some time, with its own time in milliseconds."""

    offset: int
    milliseconds: int


class KafkaAdmin:
    """A connection for administration. It connects when first used. For one thread.

    Raises, from every method:
        UnavailableError: the broker does not answer, or refuses.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: KafkaAdminClient | None = None
        self._describer = TopicDescriber(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection. May be called twice."""
        if self._client is not None:
            self._client.close()
            self._client = None
        self._describer.close()

    def describe(self, names: Iterable[str]) -> Mapping[str, TopicDescription]:
        """Those of the topics that exist, by name."""
        return self._describer.describe(names)

    def wait(self, names: Iterable[str]) -> None:
        """Return once the broker knows each of the topics and who leads its partitions."""
        wanted = sorted(names)
        if wanted:
            self._ask("wait_for_topics", wanted, timeout_ms=_SPREAD_MS)

    def create(
        self, topics: Mapping[str, Topic], replication: int, configs: Mapping[str, Mapping[str, str]] | None = None
    ) -> frozenset[str]:
        """Create topics by their full names, in one request, and wait until they can be used.

        Those that were not there already. ``configs`` stand in place of the table's settings.
        """
        options = {
            name: {
                "num_partitions": topic.partitions,
                "replication_factor": replication,
                "configs": dict((configs or {}).get(name, topic.config)),
            }
            for name, topic in topics.items()
        }
        if not options:
            return frozenset()
        answers = self._ask("create_topics", options, raise_errors=False)["topics"]
        ends = {each["name"]: for_code(each["error_code"]) for each in answers}
        for error in ends.values():
            if error not in {NoError, TopicAlreadyExistsError}:
                raise unanswered(error())
        created = frozenset(name for name, error in ends.items() if error is NoError)
        self.wait(created)
        return created

    def config(self, names: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
        """The settings in force of each topic."""
        wanted = [ConfigResource("TOPIC", name) for name in sorted(names)]
        topics = self._ask("describe_configs", wanted, config_filter="all").get("topic", {}) if wanted else {}
        return {name: {key: entry["value"] for key, entry in entries.items()} for name, entries in topics.items()}

    def set_config(self, name: str, changes: Mapping[str, str]) -> None:
        """Change settings of a topic, leaving its others as they are."""
        self._ask("alter_configs", [ConfigResource("TOPIC", name, dict(changes))])

    def spans(self, topics: Iterable[TopicDescription], *, unfinished: bool = False) -> Mapping[Place, OffsetRange]:
        """What each partition holds at this moment, without what an open transaction may still take back.

        ``unfinished``: with that too. A transaction may have ended, and its offsets be in force, before the broker
        has said so in every partition that it wrote to.
        """
        places = [TopicPartition(topic.name, p) for topic in topics for p in range(topic.partitions)]
        if not places:
            return {}
        # The end is asked for first: the start only moves up, so a span never holds what was gone by then.
        isolation = IsolationLevel.READ_UNCOMMITTED if unfinished else IsolationLevel.READ_COMMITTED
        ends = self._offsets(dict.fromkeys(places, OffsetSpec.LATEST), isolation)
        starts = self._offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
        return {
            Place(*place): OffsetRange(min(starts[place].offset, ends[place].offset), ends[place].offset)
            for place in places
        }

    def first_since(self, since: Mapping[Place, int]) -> Mapping[Place, FirstSince]:
        """The first message at or after a time (milliseconds) in each partition that has one."""
        if not since:
            return {}
        found = self._offsets({TopicPartition(place.topic, place.partition): at for place, at in since.items()})
        return {Place(*at): FirstSince(it.offset, it.timestamp) for at, it in found.items() if it.offset >= 0}

    def committed(self, group: str) -> Mapping[Place, int]:
        """Where the group goes on, for each partition that it has committed an offset of."""
        found = self._ask("list_group_offsets", group).get(group, {})
        return {Place(*place): entry.offset for place, entry in found.items() if entry.offset >= 0}

    def groups(self, prefix: str) -> Sequence[str]:
        """The consumer groups whose names begin so, in order."""
        names = (entry["group_id"] for entry in self._ask("list_groups"))
        return sorted(name for name in names if name.startswith(prefix))

    def members(self, groups: Iterable[str]) -> Mapping[str, int]:
        """How many members each of the groups has."""
        described = self._ask("describe_groups", sorted(groups))
        return {name: len(group["members"]) for name, group in described.items()}

    def grant(self, grants: Iterable[Grant]) -> None:
        """Let users do what the grants say. Those that are in force already stay."""
        made = self._ask("create_acls", list(map(_acl, grants)))
        if made["failed"]:
            raise UnavailableError(f"the broker refuses a grant: {made['failed'][0].__name__}")

    def version(self) -> tuple[int, ...]:
        """The release of Kafka whose requests the brokers understand, such as ``(4, 1)``: that of the oldest broker."""
        brokers = self._ask("describe_cluster")["brokers"]
        found = [self._ask("get_broker_version_data", broker["broker_id"]).broker_version for broker in brokers]
        return min(map(tuple, found), default=())

    def _offsets(
        self, specs: Mapping[TopicPartition, Any], isolation: IsolationLevel = IsolationLevel.READ_COMMITTED
    ) -> Mapping[TopicPartition, Any]:
        found: Mapping[TopicPartition, Any] = self._ask("list_partition_offsets", specs, isolation_level=isolation)
        return found

    def _ask(self, method: str, *arguments: object, **options: object) -> Any:  # noqa: ANN401 - kafka-python is untyped
        with self._errors():
            # A broker that has just started has no coordinators yet.
            for attempt in Retrying(
                retry=retry_if_exception_type(RetriableError),
                stop=stop_after_delay(_PATIENCE_SECONDS),
                wait=wait_exponential(0.05, max=1),
                reraise=True,
            ):
                with attempt:
                    return getattr(self._connected(), method)(*arguments, **options)
        raise AssertionError("the last attempt returns or raises")

    def _connected(self) -> KafkaAdminClient:
        if self._client is None:
            self._client = KafkaAdminClient(**kafka_python_config(self._settings))
        return self._client

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (KafkaError, OSError) as error:
            self.close()
            raise unanswered(error) from None


def _acl(grant: Grant) -> ACL:
    pattern = ACLResourcePatternType.PREFIXED if grant.prefixed else ACLResourcePatternType.LITERAL
    resource = ResourcePattern(ResourceType[grant.resource.upper()], grant.name, pattern)
    operation = ACLOperation[grant.operation.upper()]
    return ACL(f"User:{grant.user}", "*", operation, ACLPermissionType.ALLOW, resource)
