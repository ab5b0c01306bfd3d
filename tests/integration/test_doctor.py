"""`weir doctor` beside a real broker and a real engine."""

from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from schemas.codec import Outgoing
from schemas.topics import CANCELS, INTERACTIONS, REQUESTS
from streams.doctor import cluster, database
from streams.doctor.cluster import check_kafka
from streams.doctor.database import check_store
from streams.doctor.finding import State
from streams.kafka.admin import KafkaAdmin
from streams.kafka.consumer_groups import store_group
from streams.settings import Settings
from streams.store.client import Store
from tests.fixtures.store_side import send
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.store]


def found_by(check, settings):
    return {finding.name: finding for finding in check(settings)}


def test_a_cluster_without_topics(bootstrap, namespace):
    """A broker that answers, and none of the topics: the command that makes them is named."""
    settings = Settings(_env_file=None, kafka_bootstrap=bootstrap, namespace=namespace.prefix)
    found = found_by(check_kafka, settings)
    assert found["kafka"].state is State.OK
    assert found["kafka"].what.startswith("Kafka 4.1 at")
    assert (found["topics"].state, found["topics"].fix) == (State.MISSING, "weir topics create")


def test_one_of_two_brokers_is_silent(bootstrap, namespace):
    """A bootstrap address that nobody listens at is a warning beside one that answers."""
    settings = Settings(_env_file=None, kafka_bootstrap=f"127.0.0.1:9,{bootstrap}", namespace=namespace.prefix)
    found = found_by(check_kafka, settings)
    assert (found["bootstrap"].state, found["kafka"].state) == (State.WARNING, State.OK)


def test_a_cluster_with_topics(settings, admin, monkeypatch):
    """All topics are there and nobody reads them; then one process does, and settings and partitions differ."""
    found = found_by(check_kafka, settings)
    assert {name for name, each in found.items() if each.state is State.OK} == {"kafka", "topics"}
    assert {name for name, each in found.items() if each.state is State.MISSING} == {
        "worker", "infer", "settle", "store", "monitor", "notify",
    }  # fmt: skip
    assert found["settle"].fix.startswith("weir settle")
    send_some(settings, 3)
    monkeypatch.setattr(cluster, "_MUCH_LAG", 2)
    with reading(settings, store_group(settings)):
        spoil(settings, admin)
        found = found_by(check_kafka, settings)
    assert "1 running" in found["store"].what
    assert "3 behind" in found["worker"].what
    assert "retention.ms" in found["topic settings"].what
    assert settings.topics.of(CANCELS) in found["topics"].what
    assert settings.topics.of(INTERACTIONS) in found["partitions"].what


def test_a_reader_that_falls_behind(settings, monkeypatch):
    """A process that runs and does not keep up is a warning."""
    monkeypatch.setattr(cluster, "_MUCH_LAG", 2)
    send_some(settings, 3)
    with reading(settings, f"{settings.namespace}.worker"):
        found = found_by(check_kafka, settings)["worker"]
    assert (found.state, found.what) == (State.WARNING, "1 running, 3 behind")


def test_a_clock_that_is_ahead(settings, monkeypatch):
    """Messages from the future tell that the broker's clock is another."""
    send_some(settings, 1)
    assert "broker's clock" not in found_by(check_kafka, settings)
    monkeypatch.setattr(cluster, "time", SimpleNamespace(time=lambda: 1_000_000_000.0))
    assert found_by(check_kafka, settings)["broker's clock"].state is State.WARNING


def test_the_store(clickhouse_url, database_settings):
    """A database that is not there, one half set up, one altered, one as it should be; a table that heeds no policy."""
    absent = database_settings.model_copy(update={"database": "no_such_database"})
    assert (found_by(check_store, absent)["schema"].fix) == "weir migrate"
    found = found_by(check_store, database_settings)
    assert {each.state for each in found.values()} == {State.OK}
    assert set(found) == {"clickhouse", "schema"}
    with Store.of(database_settings) as store:
        store.command("ALTER TABLE labels MODIFY TTL toDateTime(log_time) + INTERVAL 1 YEAR")
        warned = found_by(check_store, database_settings)["retention"]
        assert (warned.state, warned.what.split(": ")[1]) == (State.WARNING, "labels")
        store.command("ALTER TABLE schema_migrations DELETE WHERE name LIKE '0003%' SETTINGS mutations_sync = 1")
        found = found_by(check_store, database_settings)["schema"]
        assert (found.state, found.what[:4]) == (State.MISSING, "1 of")
        store.insert("schema_migrations", [{"name": "0003_ledger.sql", "hash": "another"}], token="x")
    altered = found_by(check_store, database_settings)["schema"]
    assert altered.state is State.MISSING
    assert "0003_ledger.sql" in altered.what


def test_a_stores_clock_that_differs(database_settings, monkeypatch):
    """A store that tells another time is a warning."""
    monkeypatch.setattr(database, "time", SimpleNamespace(time=lambda: 1_000_000_000.0))
    assert found_by(check_store, database_settings)["store's clock"].state is State.WARNING


def send_some(settings, count):
    send(settings, settings.topics.of(REQUESTS), [Outgoing(b"k", b"{}")] * count)


@contextmanager
def reading(settings, group):
    """A member of a group, for as long as the block."""
    config = {"bootstrap.servers": settings.kafka_bootstrap, "group.id": group, "log_level": 0}
    consumer = Consumer({**config, "enable.auto.commit": False})
    consumer.subscribe([settings.topics.of(REQUESTS)])
    eventually(lambda: consumer.poll(0.1) or consumer.assignment())
    yield
    consumer.close()


def spoil(settings, admin):
    """Another retention, a topic less, and one with too few partitions."""
    requests, cancels, interactions = (settings.topics.of(topic) for topic in (REQUESTS, CANCELS, INTERACTIONS))
    entry = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, requests, incremental_configs=[entry])
    admin.incremental_alter_configs([resource])[resource].result(60)
    for deleted in admin.delete_topics([cancels, interactions], operation_timeout=60).values():
        deleted.result(60)
    with KafkaAdmin(settings) as own:
        eventually(lambda: not own.describe([interactions, cancels]))
        own.create({interactions: replace(INTERACTIONS, partitions=1)}, 1)
        eventually(lambda: own.config([requests])[requests]["retention.ms"] == "1000")
