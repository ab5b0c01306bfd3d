"""Topics on the broker: making them as the table says, listing them, and how far behind their readers are."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from schemas.topics import TOPICS, Topic
from streams.kafka.admin import KafkaAdmin
from streams.kafka.consumer_groups import reading_groups
from streams.kafka.offset_ranges import OffsetRange
from streams.kafka.place import Place
from streams.kafka.topic_descriptions import TopicDescription
from streams.settings import Settings

_REPLICAS_TO_SPARE: Final = 3  # from so many on, one may be down and every message is still on two


@dataclass(frozen=True, slots=True)
class TopicCreation:
    """What was done about one topic. ``changes`` are the settings that were corrected, by key.

    ``warning`` names what differs from the table and was left alone.
    """

    name: str
    outcome: Literal["created", "existed", "changed"]
    changes: Mapping[str, str] = field(default_factory=dict)
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about a topic that is not as the table and the settings say. ``mended``: ``create_topics`` mends it.

    Replicas are added by the cluster's owner, and partitions by nobody: keys would move to other ones, and with them
    the order of a conversation.
    """

    name: str
    what: str
    wanted: str
    found: str
    mended: bool


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic of the table and how it is on the broker; no id and no partitions if it is missing.

    ``offsets`` counts those that the partitions hold, transaction markers included.
    """

    name: str
    summary: str
    topic_id: str
    partitions: int
    offsets: int


@dataclass(frozen=True, slots=True)
class Lag:
    """How many offsets of a partition a consumer group has still to read."""

    group: str
    topic: str
    partition: int
    committed: int | None
    end: int
    behind: int


@dataclass(frozen=True, slots=True)
class TopicLag:
    """How many messages a consumer group has still to read of a topic, in how many of its partitions."""

    group: str
    topic: str
    messages: int
    behind: int
    partitions_behind: int


def create_topics(settings: Settings) -> tuple[TopicCreation, ...]:
    """Create what is missing of the topic table and correct the settings of what is there. Idempotent.

    Partitions are never added: keys would move to other partitions, and with them the order of a conversation.

    Raises:
        UnavailableError: the broker does not answer, or refuses.
    """
    names = {settings.topics.of(topic): topic for topic in TOPICS}
    with KafkaAdmin(settings) as admin:
        missing = names.keys() - admin.describe(names).keys()
        # Another process may create one in between, or the broker not know yet of one just created.
        created = admin.create(
            {name: topic for name, topic in names.items() if name in missing},
            settings.kafka_replication,
            {name: wanted_config(topic, settings) for name, topic in names.items()},
        )
        kept = names.keys() - created
        admin.wait(kept)
        found = admin.describe(kept)
        configs = admin.config(kept)
        return tuple(
            TopicCreation(name, "created")
            if name in created
            else _correct(admin, wanted_config(topic, settings), topic.partitions, found[name], configs[name])
            for name, topic in names.items()
        )


def wanted_config(topic: Topic, settings: Settings) -> Mapping[str, str]:
    """The broker's settings for the topic: the table's, and how many replicas must have a message."""
    least = settings.kafka_min_insync
    if least is None and settings.kafka_replication >= _REPLICAS_TO_SPARE:
        least = settings.kafka_replication - 1
    return topic.config if least is None else {**topic.config, "min.insync.replicas": str(least)}


def differences(settings: Settings) -> tuple[Difference, ...]:
    """What of the topic table is not so on the broker, topic by topic.

    Raises:
        UnavailableError: the broker does not answer.
    """
    names = {settings.topics.of(topic): topic for topic in TOPICS}
    with KafkaAdmin(settings) as admin:
        found = admin.describe(names)
        configs = admin.config(found)
    return tuple(
        difference
        for name, topic in names.items()
        for difference in _differences(name, topic, settings, found.get(name), configs.get(name, {}))
    )


def _differences(
    name: str, topic: Topic, settings: Settings, found: TopicDescription | None, config: Mapping[str, str]
) -> Iterator[Difference]:
    if found is None:
        yield Difference(name, "topic", "there", "missing", mended=True)
        return
    if found.partitions < topic.partitions:
        yield Difference(name, "partitions", str(topic.partitions), str(found.partitions), mended=False)
    if found.replication < settings.kafka_replication:
        yield Difference(name, "replicas", str(settings.kafka_replication), str(found.replication), mended=False)
    for key, value in wanted_config(topic, settings).items():
        if config.get(key) != value:
            yield Difference(name, key, value, config.get(key, ""), mended=True)


def _correct(
    admin: KafkaAdmin, wanted: Mapping[str, str], partitions: int, found: TopicDescription, config: Mapping[str, str]
) -> TopicCreation:
    changes = {key: value for key, value in wanted.items() if config.get(key) != value}
    if changes:
        admin.set_config(found.name, changes)
    few = found.partitions < partitions
    warning = f"{found.partitions} partitions, {partitions} in the table" if few else None
    return TopicCreation(found.name, "changed" if changes else "existed", changes, warning)


def list_topics(settings: Settings) -> tuple[TopicState, ...]:
    """Every topic of the table, as it is on the broker.

    Raises:
        UnavailableError: the broker does not answer.
    """
    names = {settings.topics.of(topic): topic for topic in TOPICS}
    with KafkaAdmin(settings) as admin:
        existing = admin.describe(names)
        spans = admin.spans(existing.values())
    missing = TopicDescription("", "", 0, 0)
    held = dict.fromkeys(names, 0)
    for place, span in spans.items():
        held[place.topic] += len(span)
    return tuple(
        TopicState(name, topic.summary, found.topic_id, found.partitions, held[name])
        for name, topic in names.items()
        for found in (existing.get(name, missing),)
    )


def lag(settings: Settings) -> tuple[Lag, ...]:
    """How far behind each group of ours is, by topic and partition that it reads or has read.

    A group that has committed nothing of a topic that it is there to read is behind by all of it.

    Raises:
        UnavailableError: the broker does not answer.
    """
    expected = reading_groups(settings)
    with KafkaAdmin(settings) as admin:
        # Committed before ends: an offset committed in between would lie past the end.
        committed = {group: admin.committed(group) for group in (*expected, *_others(admin, settings, expected))}
        spans = admin.spans(admin.describe(map(settings.topics.of, TOPICS)).values())
    reads = {group: {settings.topics.of(topic) for topic in topics} for group, topics in expected.items()}
    return tuple(
        _lag(group, place, offsets.get(place), span)
        for group, offsets in sorted(committed.items())
        for place, span in sorted(spans.items())
        if place in offsets or place.topic in reads.get(group, ())
    )


def by_topic(lags: Iterable[Lag]) -> tuple[TopicLag, ...]:
    """Lags by group and topic. ``messages`` are as many as offsets were ever given out."""
    grouped: dict[tuple[str, str], list[Lag]] = {}
    for each in lags:
        grouped.setdefault((each.group, each.topic), []).append(each)
    return tuple(
        TopicLag(
            group,
            topic,
            messages=sum(each.end for each in mine),
            behind=sum(each.behind for each in mine),
            partitions_behind=sum(each.behind > 0 for each in mine),
        )
        for (group, topic), mine in grouped.items()
    )


def _others(admin: KafkaAdmin, settings: Settings, known: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(group for group in admin.groups(f"{settings.namespace}.") if group not in known)


def _lag(group: str, place: Place, committed: int | None, held: OffsetRange) -> Lag:
    behind = max(0, held.past - max(held.first, committed or 0))
    return Lag(group, place.topic, place.partition, committed, held.past, behind)
