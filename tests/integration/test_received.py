"""Messages as confluent-kafka hands them over."""

from confluent_kafka import Consumer, TopicPartition
from kafka import KafkaProducer

from schemas.codec import ESCAPED
from schemas.topics import CANCELS
from streams.kafka.received import received_message
from streams.kafka.topic_admin import create_topics


class _RawName(str):
    """A header name that is not UTF-8, as a producer in C can write it."""

    __slots__ = ()

    def encode(self, *_):
        return b"\xff\xfe"


def test_header_names_that_are_not_text_are_read_every_time(settings):
    """However often such a message is met, its other headers and what else Python does are unharmed."""
    create_topics(settings)
    topic = settings.topics.of(CANCELS)
    times = 50  # Python does a call differently once it has been done a few times
    with KafkaProducer(bootstrap_servers=settings.kafka_bootstrap) as producer:
        for _ in range(times):
            producer.send(topic, partition=0, value=b"v", headers=[("a", b"1"), (_RawName("h"), b"2"), ("b", b"3")])
    consumer = Consumer({"bootstrap.servers": settings.kafka_bootstrap, "group.id": "none", "log_level": 0})
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = []
    while len(found) < times:
        found += consumer.consume(times, timeout=1)
    assert [received_message(each).headers for each in found] == [[("a", b"1"), (ESCAPED, b"2"), ("b", b"3")]] * times
    consumer.close()
