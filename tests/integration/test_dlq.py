"""Dead letters on a real broker: listed, shown masked, replayed."""

from datetime import timedelta

import pytest
from confluent_kafka import Producer
from kafka import KafkaConsumer, TopicPartition

from schemas.codec import ORIGIN_HEADER, Message
from schemas.dead_letter import REPLAYS_HEADER, read_reason, reason_headers
from schemas.errors import Code, ConfigError, UnreadableError
from schemas.topics import REQUESTS
from streams.dead_letters.letters import Filters, list_dead_letters, show_dead_letter
from streams.dead_letters.replay import ReplayOptions, replay_dead_letters
from streams.kafka.place import Place
from streams.kafka.topic_admin import create_topics
from streams.settings import Settings
from tests.fixtures.store_rows import NOON

pytestmark = pytest.mark.kafka
CANARY = "canary-4711"


@pytest.fixture
def settings(bootstrap, namespace):
    settings = Settings(kafka_bootstrap=bootstrap, namespace=namespace.prefix)
    create_topics(settings)
    return settings


@pytest.fixture
def bury(settings, bootstrap):
    """A function that writes a dead letter of a request that stood at an offset."""
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 20_000_000, "log_level": 0})

    def write(offset, value=b'{"app": 1}', headers=(), code=Code.WRONG_TYPE, stage="screen"):
        message = Message(settings.topics.of(REQUESTS), 0, offset, NOON, b"key", value, headers)
        found = reason_headers(message, stage, UnreadableError("should be text", code=code, field="app"))
        producer.produce(f"{message.topic}.dlq", key=message.key, value=value, headers=list(found))
        assert producer.flush(60) == 0

    return write


def arrived(settings, topic=REQUESTS):
    """Everything in a topic, as another client reads it."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, enable_auto_commit=False)
    name = settings.topics.of(topic)
    partitions = [TopicPartition(name, number) for number in range(topic.partitions)]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    ends = consumer.end_offsets(partitions)
    found = []
    while any(consumer.position(each) < end for each, end in ends.items()):
        found.extend(record for records in consumer.poll(500).values() for record in records)
    consumer.close()
    return found


def test_listing_filters_by_code_and_stage(settings, bury):
    """The listing has place, size and reason of each dead letter that is meant, and nothing of its value."""
    bury(3, CANARY.encode())
    bury(4, code=Code.MISSING_FIELD)
    bury(5, stage="observe")
    everything = list(list_dead_letters(settings, Filters()))
    assert [letter.reason.offset for letter in everything] == [3, 4, 5]
    assert (everything[0].size, everything[0].reason.code) == (len(CANARY), "WRONG_TYPE")
    assert CANARY not in repr(everything)
    assert [each.offset for each in list_dead_letters(settings, Filters(code="MISSING_FIELD"))] == [1]
    assert [each.offset for each in list_dead_letters(settings, Filters(stage="observe", topic="requests"))] == [2]
    assert list(list_dead_letters(settings, Filters(topic="interactions"))) == []


def test_listing_filters_by_app_and_time(settings, bury):
    """The app is what the body names, if it can be read; times are those at which messages died."""
    bury(3, b'{"app": "shop", "messages": 1}')
    bury(4, b'{"work": {"request": {"app": "shop"}}, "text": 1}')
    bury(5, b'{"app": "bank"')
    bury(6, b'[{"app": "shop"}]')
    first, second = list_dead_letters(settings, Filters(app="shop"))
    assert (first.offset, second.offset) == (0, 1)
    assert list(list_dead_letters(settings, Filters(until=first.time))) == []
    assert len(list(list_dead_letters(settings, Filters(since=first.time)))) == 4
    assert list(list_dead_letters(settings, Filters(since=second.time + timedelta(hours=1)))) == []


def test_an_unknown_topic_is_refused(settings):
    """A topic that is not in the table is an error that names the option."""
    with pytest.raises(ConfigError, match=r"\[topic\]"):
        list(list_dead_letters(settings, Filters(topic="nothing")))


def test_showing_masks_the_value(settings, bury):
    """What is shown went through the mask; a value that is no JSON shows its size; headers show names and sizes."""
    bury(3, b'{"app": "%s"}' % CANARY.encode(), headers=[("mine", CANARY.encode())])
    bury(4, b"\xff" + CANARY.encode())
    place = Place("requests", 0)
    shown = show_dead_letter(settings, place, 0, lambda value: dict.fromkeys(value, "<masked>"))
    assert shown.body == {"app": "<masked>"}
    assert shown.headers["mine"] == len(CANARY)
    assert CANARY not in repr(shown)
    assert show_dead_letter(settings, place, 1, lambda value: value).body == f"<{1 + len(CANARY)} bytes, not JSON>"
    with pytest.raises(ConfigError, match="no dead letter at this place"):
        show_dead_letter(settings, place, 2, lambda value: value)


def test_replay_sends_what_came(settings, bury):
    """A replay has the key, the value and the headers as they came, the first position, and a count."""
    headers = [("mine", b"\x00\xff"), ("mine", b"twice")]
    bury(3, b"\x00raw\xff", headers=headers)
    result = replay_dead_letters(settings, Filters(), ReplayOptions())
    name = settings.topics.of(REQUESTS)
    assert (result.sent, result.skipped) == ({name: 1}, {})
    (record,) = arrived(settings)
    assert (record.key, record.value) == (b"key", b"\x00raw\xff")
    added = [(ORIGIN_HEADER, f"{name}:0:3".encode()), (REPLAYS_HEADER, b"1")]
    assert [*record.headers] == [*headers, *added]


def test_a_dry_run_sends_nothing(settings, bury):
    """A dry run says what would be sent."""
    bury(3)
    assert replay_dead_letters(settings, Filters(), ReplayOptions(dry_run=True)).sent == {
        settings.topics.of(REQUESTS): 1
    }
    assert arrived(settings) == []


def test_a_message_is_not_replayed_for_ever(settings, bury):
    """Only the latest dead letter of a message is sent, and none once it has been replayed too often."""
    origin = (ORIGIN_HEADER, f"{settings.topics.of(REQUESTS)}:0:3".encode())
    bury(3)
    bury(9, headers=[origin, (REPLAYS_HEADER, b"1")])
    bury(8, headers=[(ORIGIN_HEADER, b"other:0:1"), (REPLAYS_HEADER, b"3")])
    result = replay_dead_letters(settings, Filters(), ReplayOptions(most_replays=3))
    assert result.skipped == {"superseded": 1, "replayed too often": 1}
    (record,) = arrived(settings)
    assert dict(record.headers)[REPLAYS_HEADER] == b"2"
    assert dict(record.headers)[ORIGIN_HEADER] == origin[1]


def test_filters_hold_for_replays(settings, bury):
    """Only what the filters mean is sent."""
    bury(3)
    bury(4, b"[]", code=Code.MISSING_FIELD)
    replay_dead_letters(settings, Filters(code="MISSING_FIELD"), ReplayOptions())
    assert [record.value for record in arrived(settings)] == [b"[]"]


def test_foreign_dead_letters_stay(settings, bootstrap):
    """A message without our reason, or one that names another topic, is not sent anywhere."""
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    producer.produce(f"{settings.namespace}.requests.dlq", b"x")
    producer.produce(f"{settings.namespace}.requests.dlq", b"x", headers=[("__connect.errors.topic", b"__consumer")])
    assert producer.flush(60) == 0
    assert [letter.reason.offset for letter in list_dead_letters(settings, Filters())] == [-1, -1]
    assert replay_dead_letters(settings, Filters(), ReplayOptions()).skipped == {"no topic of ours": 2}


def test_replays_keep_a_rate(settings, bury):
    """At ten a second the second message waits about a tenth of a second for its turn."""
    for offset in range(3):
        bury(offset)
    waits = []
    replay_dead_letters(settings, Filters(), ReplayOptions(per_second=10), sleep=waits.append)
    assert len(waits) == 2
    assert 0.05 < waits[0] <= 0.1


def test_the_largest_message_can_be_replayed(settings, bury):
    """A dead letter as large as its topic allows reaches the topic again."""
    value = b"x" * (15 * 1024 * 1024)
    bury(3, value)
    replay_dead_letters(settings, Filters(), ReplayOptions())
    (record,) = arrived(settings)
    assert len(record.value) == len(value)
    assert read_reason(record.headers).replays == 1
