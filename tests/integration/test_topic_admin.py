"""Topics on a real broker."""

import socket

import pytest
from confluent_kafka import Consumer, Producer, TopicCollection
from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition
from kafka.admin import NewPartitions
from kafka.errors import NoError, RetriableError
from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from schemas.errors import UnavailableError
from schemas.topics import STATE, TOPICS
from streams.kafka.admin import KafkaAdmin
from streams.kafka.clients import membership
from streams.kafka.consumer_groups import store_group
from streams.kafka.topic_admin import by_topic, create_topics, differences, lag, list_topics, wanted_config
from streams.settings import Settings
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(bootstrap, namespace):
    return Settings(kafka_bootstrap=bootstrap, namespace=namespace.prefix)


def test_topics_are_created_as_the_table_says(settings):
    """Every topic of the table exists afterwards with its partitions and settings; a second time changes nothing."""
    created = create_topics(settings)
    assert {result.outcome for result in created} == {"created"}
    assert [result.name for result in created] == [settings.topics.of(topic) for topic in TOPICS]
    with KafkaAdmin(settings) as admin:
        configs = admin.config(result.name for result in created)
        described = admin.describe(result.name for result in created)
    for topic in TOPICS:
        name = settings.topics.of(topic)
        assert topic.config.items() <= configs[name].items()
        assert described[name].partitions == topic.partitions
    again = create_topics(settings)
    assert {(result.outcome, tuple(result.changes), result.warning) for result in again} == {("existed", (), None)}


def test_wrong_settings_are_corrected(settings, new_topic):
    """A topic that lets clients set the time is corrected, and what was changed is said."""
    new_topic("requests", partitions=4, message_timestamp_type="CreateTime", retention_ms="1000")
    result = next(each for each in create_topics(settings) if each.name.endswith(".requests"))
    assert result.outcome == "changed"
    assert result.changes["message.timestamp.type"] == "LogAppendTime"
    with KafkaAdmin(settings) as admin:  # which may hear of it a moment later
        eventually(lambda: admin.config([result.name])[result.name]["message.timestamp.type"] == "LogAppendTime")


def test_fewer_partitions_are_only_warned_about(settings, new_topic, bootstrap):
    """A topic with fewer partitions keeps them, with a warning; more than in the table are fine."""
    name = new_topic("requests", partitions=2)
    result = next(each for each in create_topics(settings) if each.name == name)
    assert result.warning == "2 partitions, 4 in the table"
    KafkaAdminClient(bootstrap_servers=bootstrap).create_partitions({name: NewPartitions(6)})
    eventually(lambda: next(each for each in create_topics(settings) if each.name == name).warning is None)


def test_differences_are_told_and_mended_as_far_as_they_can_be(settings, new_topic):
    """What is missing, set otherwise or too small is told; making the topics mends all but the number of partitions."""
    name = new_topic("requests", partitions=2, message_timestamp_type="CreateTime")
    wanted = {("partitions", "4", "2", False), ("message.timestamp.type", "LogAppendTime", "CreateTime", True)}

    def told():
        found = (each for each in differences(settings) if each.name == name)
        return {(each.what, each.wanted, each.found, each.mended) for each in found}

    eventually(lambda: wanted <= told())  # a topic just made may take a moment to be known
    assert {each.what for each in differences(settings) if each.name != name} == {"topic"}
    create_topics(settings)
    (left,) = eventually(lambda: (found := list(differences(settings))) and len(found) == 1 and found)
    assert (left.name, left.what, left.mended) == (name, "partitions", False)


def test_a_cluster_that_may_lose_a_broker_keeps_every_message_twice(settings):
    """From three replicas on, one less must have a message; the setting says otherwise; more replicas are asked for."""
    topic = TOPICS[0]
    three = settings.model_copy(update={"kafka_replication": 3})
    assert wanted_config(topic, three)["min.insync.replicas"] == "2"
    assert "min.insync.replicas" not in wanted_config(topic, settings)
    one = settings.model_copy(update={"kafka_min_insync": 1})
    assert wanted_config(topic, one)["min.insync.replicas"] == "1"
    create_topics(one)
    with KafkaAdmin(settings) as admin:
        name = settings.topics.of(topic)
        assert admin.config([name])[name]["min.insync.replicas"] == "1"
    told = {(each.what, each.wanted, each.found) for each in differences(three) if each.name == name}
    assert told == {("replicas", "3", "1"), ("min.insync.replicas", "2", "1")}


def test_a_named_member_keeps_its_place_while_it_is_away(settings, bootstrap):
    """With a name of its own the writer is known to the group by it, and its partitions wait for it."""
    create_topics(settings)
    named = settings.model_copy(update={"kafka_instance": "store-0", "kafka_session_seconds": 30})
    group = store_group(settings)
    config = {"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0}
    for options, members in ((membership(named), 1), (membership(settings), 0)):
        consumer = Consumer({**config, **options})
        consumer.subscribe([settings.topics.of(TOPICS[0])])
        waiting = Retrying(stop=stop_after_delay(120), wait=wait_fixed(0.2), retry=retry_if_result(lambda it: not it))
        assert waiting(lambda: consumer.poll(0.1) is not None or consumer.assignment())  # noqa: B023 - called at once
        consumer.close()
        with KafkaAdmin(settings) as admin:
            eventually(lambda: admin.members([group])[group] == members)  # noqa: B023 - called at once
        group = f"{group}-unnamed"
        config["group.id"] = group


def test_topic_ids_are_written_as_kafka_writes_them(settings, new_topic, admin):
    """The id is URL-safe base64, as Kafka's tools print it, and another after the topic was created anew."""
    name = new_topic("requests")
    with KafkaAdmin(settings) as ours:
        ours.wait([name])
        first = ours.describe([name])[name].topic_id
        assert first == str(_describe(admin, name).topic_id).replace("+", "-").replace("/", "_")
        admin.delete_topics([name], operation_timeout=60)[name].result(60)
        new_topic("requests")
        ours.wait([name])
        assert ours.describe([name])[name].topic_id != first


def _describe(admin, name):
    return admin.describe_topics(TopicCollection([name]))[name].result(60)


def test_listing_says_what_is_missing(settings, new_topic, bootstrap):
    """The listing has every topic of the table, with no id where there is none, and counts offsets."""
    name = new_topic("interactions", partitions=2)
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    for number in range(5):
        producer.produce(name, b"x", str(number))
    assert producer.flush(60) == 0
    listed = {state.name: state for state in list_topics(settings)}
    assert (listed[name].partitions, listed[name].offsets) == (2, 5)
    missing = listed[settings.topics.of(TOPICS[0])]
    assert (missing.topic_id, missing.partitions, missing.offsets) == ("", 0, 0)


def test_lag_counts_what_a_group_has_not_committed(settings, bootstrap):
    """A group that committed nothing is behind by everything; one that committed, by the rest; others show too."""
    create_topics(settings)
    name = f"{settings.namespace}.interactions"
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    for number in range(7):
        producer.produce(name, str(number), partition=number % 2)
    assert producer.flush(60) == 0
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    for group in ("worker", "other"):
        # A broker that has just started has no coordinators yet.
        for attempt in Retrying(
            retry=retry_if_exception_type(RetriableError), stop=stop_after_delay(120), wait=wait_fixed(0.1)
        ):
            with attempt:
                place = TopicPartition(name, 1)
                wanted = {place: OffsetAndMetadata(1, "", -1)}
                # Told, not raised, when it is the partition that is refused.
                for_code = client.alter_group_offsets(f"{settings.namespace}.{group}", wanted)[place]
                if for_code is not NoError:
                    raise for_code
    found = lag(settings)
    (summed,) = [each for each in by_topic(found) if (each.group, each.topic) == (f"{settings.namespace}.worker", name)]
    assert (summed.messages, summed.behind, summed.partitions_behind) == (7, 6, 2)
    behind = {(each.group.rsplit(".")[-1], each.topic, each.partition): each for each in found}
    assert (behind["worker", name, 0].committed, behind["worker", name, 0].behind) == (None, 4)
    assert (behind["worker", name, 1].committed, behind["worker", name, 1].behind) == (1, 2)
    assert behind["other", name, 1].behind == 2
    assert ("other", name, 0) not in behind
    assert behind["store", f"{settings.namespace}.verdicts", 0].behind == 0


def test_lag_shows_every_group_in_what_it_commits(settings):
    """Each group has its inputs, and nothing that its processes read whole at every start."""
    create_topics(settings)
    shown = {(each.group.removeprefix(f"{settings.namespace}."), each.topic) for each in lag(settings)}
    names = {
        group: {topic.name for topic in TOPICS if (group, settings.topics.of(topic)) in shown}
        for group in ("worker", "infer", "settle", "monitor")
    }
    assert names == {
        "worker": {"requests", "drafts", "completions", "interactions", "feedback"},
        "infer": {"work.interactive", "work.bulk"},
        "settle": {"requests", "outcomes", "cancels", "decisions"},
        "monitor": {"verdicts", "opinions"},
    }
    stored = {settings.topics.of(topic) for topic in TOPICS if "store" in topic.read_by and topic not in STATE}
    assert {topic for group, topic in shown if group == "store"} == stored


def test_no_broker_is_one_clear_error(tmp_path, monkeypatch):
    """Without a broker the error says that it does not answer, within the time that somebody waits."""
    monkeypatch.setattr("streams.kafka.admin._PATIENCE_SECONDS", 1.0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings = Settings(kafka_bootstrap=f"127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(UnavailableError, match="the broker does not answer"):
            list_topics(settings)
