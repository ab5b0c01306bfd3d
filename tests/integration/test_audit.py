"""The ledger between a real broker and the real engine."""

import pytest
from confluent_kafka import Producer
from kafka import OffsetAndMetadata, TopicPartition

from schemas.codec import Message, Outgoing
from schemas.dead_letter import reason_headers
from schemas.errors import UnreadableError
from schemas.topics import INTERACTIONS
from schemas.verdict import Position
from streams.kafka.admin import KafkaAdmin
from streams.kafka.place import Place
from streams.store.audit import audit
from tests.fixtures.store_rows import NOON, verdict
from tests.fixtures.store_side import count, publish, send, writing
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.store]


@pytest.fixture
def inputs(settings):
    """The interactions' full name, after eight of them came into partition 0."""
    topic = settings.topics.of(INTERACTIONS)
    take_in(settings, topic, 8)
    return topic


def take_in(settings, topic, number, **config):
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0, **config})
    if config:
        producer.init_transactions(60)
        producer.begin_transaction()
    for _ in range(number):
        producer.produce(topic, b"{}", partition=0)
    if config:
        producer.commit_transaction(60)
    assert producer.flush(60) == 0


def judge(settings, topic, *offsets, **changes):
    with KafkaAdmin(settings) as admin:
        topic_id = admin.describe([topic])[topic].topic_id
    records = [
        verdict(
            changes.get("event_id", f"e{offset}"),
            offset,
            position=Position(topic=topic, topic_id=topic_id, partition=0, offset=offset, time=NOON),
        )
        for offset in offsets
    ]
    publish(settings, records)


def holds(settings, topic, past):
    """Wait for the marker that the broker writes after a transaction's end."""
    with KafkaAdmin(settings) as admin:
        eventually(lambda: admin.spans(admin.describe([topic]).values())[Place(topic, 0)].past == past)


def commit(settings, topic, offset, group="worker"):
    """The group says that it is done with everything before."""
    place = {TopicPartition(topic, 0): OffsetAndMetadata(offset, "", -1)}
    with KafkaAdmin(settings) as admin:
        admin._ask("alter_group_offsets", f"{settings.namespace}.{group}", place)


def store_all(settings, store, rows):
    with writing(settings):
        eventually(lambda: count(store, "v_ledger") == rows)


def figures(result, stage="observe"):
    (totals,) = (each for each in result.totals if each.stage == stage)
    return totals.came_in, totals.done, totals.dead, totals.in_flight, totals.missing


def test_events_that_wait_are_in_flight(settings, inputs):
    """Before any stage has run, everything is in flight and nothing is missing."""
    result = audit(settings)
    assert figures(result) == (8, 0, 0, 8, 0)
    assert result.complete
    assert {(hour.topic, hour.stage, hour.partition) for hour in result.hours} == {(inputs, "observe", 0)}


def test_judged_and_dead_add_up(settings, store, inputs):
    """Verdicts and dead letters account for every event."""
    judge(settings, inputs, 0, 1, 2, 3, 4, 6, 7)
    lost = Message(inputs, 0, 5, NOON, None, b"", [])
    headers = reason_headers(lost, "observe", UnreadableError("not JSON"))
    send(settings, f"{inputs}.dlq", [Outgoing(None, b"x", headers)])
    commit(settings, inputs, 8)
    store_all(settings, store, 8)
    result = audit(settings)
    assert figures(result) == (8, 7, 1, 0, 0)
    assert result.complete


def test_a_lost_event_is_named(settings, store, inputs):
    """An event that the stage is done with and that ended nowhere is missing, by its offset."""
    judge(settings, inputs, 0, 1, 4, 5, 7)
    commit(settings, inputs, 8)
    store_all(settings, store, 5)
    result = audit(settings)
    assert figures(result) == (8, 5, 0, 0, 3)
    assert [(gap.topic, gap.first, gap.last) for gap in result.missing] == [(inputs, 2, 3), (inputs, 6, 6)]
    assert not result.complete


def test_what_the_writer_has_not_stored_is_in_flight(settings, store, inputs):
    """While verdicts wait for the writer, nothing that they may stand for is called missing."""
    judge(settings, inputs, 0, 1)
    store_all(settings, store, 2)
    judge(settings, inputs, 2, 3, 4, 5, 6, 7)
    commit(settings, inputs, 8)
    assert figures(audit(settings)) == (8, 2, 0, 6, 0)


def test_transaction_markers_are_no_events(settings, store, inputs):
    """Offsets that hold a marker or an aborted message are not counted, in the middle and at the end."""
    take_in(settings, inputs, 2, **{"transactional.id": settings.namespace})
    holds(settings, inputs, 11)
    take_in(settings, inputs, 1)
    judge(settings, inputs, *range(8), 8, 9, 11)
    commit(settings, inputs, 12)
    store_all(settings, store, 11)
    assert figures(audit(settings)) == (11, 11, 0, 0, 0)
    take_in(settings, inputs, 1, **{"transactional.id": settings.namespace})
    holds(settings, inputs, 14)
    assert figures(audit(settings)) == (12, 11, 0, 1, 0)


def test_duplicates_are_counted_apart(settings, store, inputs):
    """An event sent three times is judged at every offset, and named as a duplicate."""
    judge(settings, inputs, 0, 1, 2, event_id="same")
    judge(settings, inputs, 3, 4, 5, 6, 7)
    commit(settings, inputs, 8)
    store_all(settings, store, 8)
    result = audit(settings)
    assert figures(result) == (8, 8, 0, 0, 0)
    assert (result.duplicates.ids, result.duplicates.extra) == (1, 2)
    (example,) = result.duplicates.examples
    assert (example.topic, example.offsets) == (inputs, 3)
    assert count(store, "v_verdicts") == 6


def test_an_empty_installation_is_complete(settings):
    """Nothing in, nothing out."""
    result = audit(settings)
    assert figures(result) == (0, 0, 0, 0, 0)
    assert result.complete
