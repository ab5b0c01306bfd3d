"""Rows that are old enough go, and the writer goes on as if they were there: on a real broker and the real engine."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from schemas.topics import VERDICTS
from streams.kafka.admin import KafkaAdmin
from streams.store.migrations import migrate
from tests.fixtures.store_rows import outgoing, verdict
from tests.fixtures.store_side import count, writing
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.store]
NOW = datetime.now(UTC)


@pytest.fixture
def years(settings, admin, new_topic):
    """Lets producers say when the broker takes their verdicts in, and returns a function that sends some of a day."""
    topic = settings.topics.of(VERDICTS)
    change = ConfigEntry("message.timestamp.type", "CreateTime", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[change])
    admin.incremental_alter_configs([resource])[resource].result(60)
    with KafkaAdmin(settings) as broker:  # it takes changes in one after another: this one, once it knows of a later
        broker.wait([new_topic("later")])
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0})

    def send(first, past, days_ago):
        at = round((NOW - timedelta(days=days_ago)).timestamp() * 1000)
        for offset in range(first, past):
            made = outgoing(verdict(f"e{offset}", offset))
            producer.produce(topic, made.value, b"k", headers=list(made.headers), timestamp=at)
        assert producer.flush(60) == 0

    return send


def forget(store):
    """What the engine does within hours by itself."""
    for table in ("verdicts", "ledger"):
        store.command(f"OPTIMIZE TABLE {table} FINAL")


def rows_written(writer):
    return writer._metrics.rows.labels("verdicts")._value.get()


def test_what_is_old_goes_and_nothing_is_skipped_or_stored_again(settings, store, years):
    """Each table by its own days; a writer that starts anew finds its place, though the rows that told it are gone."""
    migrate(settings.model_copy(update={"store_days": {"verdicts": 30}}))
    years(0, 3, days_ago=40)  # too old for verdicts, not for the ledger
    years(3, 6, days_ago=1)
    years(6, 9, days_ago=100)  # too old for both, and the last of the partition
    with writing(settings) as writer:
        eventually(lambda: rows_written(writer) == 9)
    forget(store)
    assert (count(store, "v_verdicts"), count(store, "v_ledger")) == (3, 6)
    years(9, 12, days_ago=0)
    with writing(settings) as writer:
        eventually(lambda: count(store, "v_ledger") == 9)
        assert rows_written(writer) == 3
    assert count(store, "v_verdicts") == 6
    with KafkaAdmin(settings) as broker:
        broker._ask("delete_groups", [f"{settings.namespace}.store"])
    years(12, 15, days_ago=0)
    with writing(settings) as writer:  # without an offset that was committed, by the rows alone
        eventually(lambda: count(store, "v_ledger") == 12)
        assert rows_written(writer) == 3
    forget(store)
    assert (count(store, "v_verdicts"), count(store, "v_ledger")) == (9, 12)


def test_days_that_are_not_set_any_more_are_the_shipped_ones_again(settings, store):
    """The tables end up as the settings say, whichever were in force before; what was altered by hand stays."""

    def ttl(table):
        tables = "SELECT engine_full FROM system.tables WHERE database = currentDatabase()"
        (row,) = store.select(f"{tables} AND name = '{table}'")
        return row["engine_full"].split(" TTL ")[1].split(" SETTINGS")[0]

    def days(table):
        return re.search(r"(\d+)\)+$", ttl(table))[1]

    migrate(settings.model_copy(update={"store_days": {"replies": 31, "labels": 900}}))
    assert [days(table) for table in ("replies", "labels", "verdicts")] == ["31", "900", "90"]
    migrate(settings)
    assert [days(table) for table in ("replies", "labels", "verdicts")] == ["90", "400", "90"]
    store.command("ALTER TABLE replies MODIFY TTL toDateTime(log_time) + INTERVAL 3 MONTH")
    migrate(settings)
    assert "toIntervalMonth(3)" in ttl("replies")
    migrate(settings.model_copy(update={"store_days": {"replies": 31}}))
    assert days("replies") == "31"
