"""The batching producer against a real broker, and without one."""

import threading

import pytest
from kafka import KafkaProducer

from schemas.codec import Outgoing
from schemas.errors import UnavailableError
from schemas.topics import MIB
from streams.agents.producer import BatchProducer
from streams.stage import Publication
from tests.fixtures.echo_flow import read

pytestmark = pytest.mark.kafka


@pytest.fixture
def new_producer():
    def start(bootstrap, **options):
        producer = BatchProducer({"bootstrap.servers": bootstrap}, **options)
        producer.start()
        return producer

    return start


def test_what_returns_is_delivered(new_producer, bootstrap, new_topic):
    """After publish the brokers have key, value and headers of every message, in order."""
    topic = new_topic("out")
    headers = [("h", b"1"), ("h", None), ("h", b"1")]
    batch = [Publication(topic, Outgoing(b"key", b"%d" % n, headers)) for n in range(500)]
    assert new_producer(bootstrap).publish(batch) == []
    messages = read(bootstrap, topic, 1, 500)
    assert [message.value() for message in messages] == [b"%d" % n for n in range(500)]
    assert {message.key() for message in messages} == {b"key"}
    assert messages[0].headers() == headers


def test_any_header_name_is_published(new_producer, bootstrap, new_topic):
    """A name with a lone surrogate, which the client cannot encode, is escaped."""
    topic = new_topic("out")
    new_producer(bootstrap).publish([Publication(topic, Outgoing(None, b"v", [("\udcff", b"1"), ("ä", b"2")]))])
    (message,) = read(bootstrap, topic, 1, 1)
    assert message.headers() == [("\\udcff", b"1"), ("ä", b"2")]


def test_keys_go_where_other_clients_send_them(new_producer, bootstrap, new_topic):
    """A key has the partition that kafka-python, and so Java, gives it; without a key all are used."""
    topic = new_topic("out", partitions=7)
    keys = ["", "a", "conversation-1", "ключ", "x" * 300]
    new_producer(bootstrap).publish([Publication(topic, Outgoing(key.encode(), key.encode())) for key in keys])
    foreign = KafkaProducer(bootstrap_servers=bootstrap)
    expected = {key.encode(): foreign.send(topic, key=key.encode(), value=b"-").get(20).partition for key in keys}
    foreign.close()
    found = {message.value(): message.partition() for message in read(bootstrap, topic, 7, len(keys) + 1)}
    assert {key: found[key] for key in expected} == expected


def test_what_is_too_large_is_named(new_producer, bootstrap, new_topic):
    """Messages beyond the client's or the topic's limit come back by index; the others are delivered."""
    topic = new_topic("out", max_message_bytes="1000000")
    values = [b"a", b"x" * (2 * MIB), b"b", b"x" * (97 * MIB)]
    assert new_producer(bootstrap).publish([Publication(topic, Outgoing(None, value)) for value in values]) == [1, 3]
    assert [message.value() for message in read(bootstrap, topic, 1, 2)] == [b"a", b"b"]


def test_brokers_that_stay_away_are_unavailable(new_producer):
    """After the deadline the failure has a name."""
    producer = new_producer("127.0.0.1:1", delivery_seconds=1)
    with pytest.raises(UnavailableError):
        producer.publish([Publication("out", Outgoing(None, b"x"))])


def test_stopping_ends_the_wait(new_producer):
    """A publish that waits for brokers gives up at once when the worker stops."""
    producer = new_producer("127.0.0.1:1")  # a message would be given up after two minutes
    threading.Timer(0.5, producer.stop).start()
    with pytest.raises(UnavailableError, match="stopped before"):
        producer.publish([Publication("out", Outgoing(None, b"x"))])
