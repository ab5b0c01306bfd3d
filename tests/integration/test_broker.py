"""The local broker, for real."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from socket import socket

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from schemas.errors import ConfigError, UnavailableError
from streams.local.broker import BrokerPlan, KafkaBroker, broker_answers, choose_runtime
from streams.local.kafka_java import JavaKafka
from streams.local.ports import choose_port
from tests.fixtures.broker import jar_cache
from tests.fixtures.waiting import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.kafka


def produce(bootstrap, topic, *values):
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 70_000_000, "log_level": 0})
    failures = []
    for value in values:
        producer.produce(topic, value, callback=lambda error, _: failures.append(error) if error else None)
    assert producer.flush(60) == 0
    assert not failures


def consume(bootstrap, topic, count):
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": f"{topic}.reader",
        "fetch.message.max.bytes": 70_000_000,
        "receive.message.max.bytes": 150_000_000,
        "log_level": 0,
    }
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(topic, 0, 0)])
    values, end = [], time.monotonic() + PATIENCE_SECONDS
    while len(values) < count and time.monotonic() < end:
        message = consumer.poll(1)
        if message is not None and message.error() is None:
            values.append(message.value())
    consumer.close()
    return values


def test_shared_broker_serves_a_namespace(bootstrap, new_topic):
    """A message comes back from a topic of the test's own namespace."""
    topic = new_topic()
    produce(bootstrap, topic, b"one", b"two")
    assert consume(bootstrap, topic, 2) == [b"one", b"two"]


def test_largest_message(bootstrap, new_topic):
    """A message of 64 MiB fits into a topic that allows it."""
    topic = new_topic(max_message_bytes=str(65 * 1024 * 1024))
    value = os.urandom(1024) * (64 * 1024)
    produce(bootstrap, topic, value)
    assert consume(bootstrap, topic, 1) == [value]


def test_topics_are_not_created_by_accident(bootstrap, admin, namespace):
    """Producing to a topic that does not exist fails and creates nothing."""
    producer = Producer({"bootstrap.servers": bootstrap, "message.timeout.ms": 1500, "log_level": 0})
    failures = []
    producer.produce(f"{namespace.prefix}.missing", b"x", callback=lambda error, _: failures.append(error))
    producer.flush(60)
    assert failures[0] is not None
    assert f"{namespace.prefix}.missing" not in admin.list_topics(timeout=60).topics


def test_transactions_commit(bootstrap, namespace, new_topic):
    """The broker keeps transaction state on a single node."""
    topic = new_topic()
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": namespace.prefix, "log_level": 0})
    producer.init_transactions(60)
    producer.begin_transaction()
    producer.produce(topic, b"once")
    producer.commit_transaction(60)
    assert consume(bootstrap, topic, 1) == [b"once"]


def test_data_survive_kill_and_stop(own_broker):
    """After SIGKILL and after SIGTERM the same directory opens with the same messages and the same cluster."""
    admin = AdminClient({"bootstrap.servers": own_broker.bootstrap, "log_level": 0})
    admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(60)
    produce(own_broker.bootstrap, "kept", b"before")
    cluster = admin.list_topics(timeout=60).cluster_id
    own_broker.kill()
    assert not broker_answers(own_broker.bootstrap, 0.3)
    own_broker.start()
    produce(own_broker.bootstrap, "kept", b"between")
    own_broker.stop()
    own_broker.start()
    assert consume(own_broker.bootstrap, "kept", 2) == [b"before", b"between"]
    again = AdminClient({"bootstrap.servers": own_broker.bootstrap, "log_level": 0})
    assert again.list_topics(timeout=60).cluster_id == cluster


def test_stopping_may_be_repeated(own_broker):
    """SIGTERM ends the broker by itself; stopping again, or killing it afterwards, does nothing."""
    os.kill(own_broker.pid, signal.SIGTERM)
    assert own_broker._process.wait(PATIENCE_SECONDS) == 128 + signal.SIGTERM  # as Java says it
    own_broker.stop()
    own_broker.stop()
    own_broker.kill()


def test_broker_dies_with_its_owner(tmp_path):
    """When the process that started the broker is killed, the broker is gone too."""
    port = choose_port()
    code = (
        "import sys, time; from pathlib import Path; from streams.local.broker import *;"
        f"b = KafkaBroker(BrokerPlan(Path({str(tmp_path)!r}), {port}, Path({str(jar_cache())!r}), heap_mib=256));"
        "b.start(); print(b.pid, flush=True); time.sleep(300)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        pid = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    assert not broker_answers(f"127.0.0.1:{port}", 0.3)


def test_start_says_why_it_failed(tmp_path):
    """A broker that cannot bind its port fails with the place of its log, and leaves no process."""
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        broker = KafkaBroker(BrokerPlan(tmp_path, taken.getsockname()[1], jar_cache(), heap_mib=128))
        with pytest.raises(UnavailableError, match=r"broker\.log"):
            broker.start()
    assert "Address already in use" in broker.log.read_text()


def test_missing_programs_are_named(tmp_path, monkeypatch):
    """Without Java, Maven and Docker the error names both programs and the command that installs them."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"`java` and `mvn`: apt-get install maven openjdk"):
        choose_runtime(BrokerPlan(tmp_path, 1, tmp_path / "jars"))


def test_maven_is_not_needed_once_the_jars_are_there(tmp_path, monkeypatch):
    """A filled cache is enough: only Java is asked for."""
    (tmp_path / "jars").mkdir()
    (tmp_path / "java").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert isinstance(choose_runtime(BrokerPlan(tmp_path, 1, tmp_path / "jars")), JavaKafka)
