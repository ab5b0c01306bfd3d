"""Workers that are killed, stopped, poisoned, slow or fast lose nothing."""

import json
import signal
import time

import pytest

from schemas.dead_letter import read_reason
from schemas.topics import INTERACTIONS, VERDICTS, Namespace, dead_letters
from tests.fixtures.echo_flow import ECHO, ECHO_TOPICS, Flow, Worker
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.kafka

EVENTS = 1600
EVERYTHING = {str(number).encode() for number in range(EVENTS)}


@pytest.fixture
def flow(bootstrap, tmp_path):
    flow = Flow(bootstrap, tmp_path)
    yield flow
    flow.close()


def _duplicates(verdicts):
    return sum(verdicts.values()) - len(verdicts)


def test_a_killed_worker_loses_nothing(flow):
    """After kill -9 of one of two workers every event is published, some of them twice."""
    first, second = flow.worker(), flow.worker()
    first.wait_ready()
    second.wait_ready()
    flow.produce(0, EVENTS // 2)
    first.signal(signal.SIGKILL)
    flow.produce(EVENTS // 2, EVENTS)
    verdicts = flow.verdicts(EVENTS)
    assert verdicts.keys() == EVERYTHING
    assert _duplicates(verdicts) < EVENTS / 2


def test_a_stopped_worker_loses_and_repeats_nothing(flow):
    """SIGTERM under load ends a worker cleanly; its successor goes on where it stopped."""
    worker = flow.worker("--sleep", 0.2, batch_size="16")
    worker.wait_ready()
    flow.produce(0, EVENTS)
    eventually(lambda: flow.committed() > 0)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert "cut off" not in worker.log
    assert flow.committed() < EVENTS  # a hundred batches take 20 s
    flow.worker()
    eventually(lambda: flow.committed() == EVENTS)
    verdicts = flow.verdicts(EVENTS)
    assert verdicts.keys() == EVERYTHING
    assert _duplicates(verdicts) == 0


def test_poison_becomes_a_dead_letter(flow):
    """A message that breaks the stage ends as one dead letter; the others are published once, and commits go on."""
    worker = flow.worker("--poison", "777")
    flow.produce(0, 1000)
    verdicts = flow.verdicts(999)
    assert verdicts.keys() == {str(number).encode() for number in range(1000) if number != 777}
    assert _duplicates(verdicts) == 0
    (letter,) = flow.read(dead_letters(INTERACTIONS), 1)
    assert letter.value() == b"777"
    assert read_reason(letter.headers()).stage == "echo"
    eventually(lambda: flow.committed() == 1000)
    assert "a broken guard" not in worker.log  # the exception's text may quote the user


def test_a_slow_stage_keeps_its_partitions(flow):
    """Batches of 3 s cause no rebalance, and the worker stays healthy meanwhile."""
    worker = flow.worker("--sleep", 3, batch_size="4")
    worker.wait_ready()
    flow.produce(0, 8)
    for check in ("/health", "/ready"):
        assert worker.get(check).status == 200
    verdicts = flow.verdicts(8)
    assert len(verdicts) == 8
    assert _duplicates(verdicts) == 0
    assert worker.log.count('"partitions assigned"') == 1


def test_small_batches_do_not_slow_a_fast_stage(flow):
    """A buffer of a few batches, full again and again, does not make a backlog wait."""
    worker = flow.worker(batch_size="4")
    worker.wait_ready()
    flow.produce(0, 800)
    started = time.monotonic()
    assert len(flow.verdicts(800)) == 800
    assert time.monotonic() - started < 40  # Faust's own pace, 16 a second, would take 50


def test_a_second_signal_changes_nothing(flow):
    """SIGINT after SIGTERM does not cut off the running batch."""
    worker = flow.worker("--sleep", 1)
    worker.wait_ready()
    flow.produce(0, 3)
    eventually(lambda: b'weir_batch_events_count{stage="echo"} 1.0' in worker.get("/metrics").read())
    worker.signal(signal.SIGTERM)
    worker.signal(signal.SIGINT)
    assert worker.wait() == 0
    assert json.loads(worker.log.splitlines()[-1])["clean"] is True
    assert flow.committed() == len(flow.read(VERDICTS, 1))


def test_a_broker_restart_is_survived(own_broker, tmp_path):
    """The worker goes on by itself when the broker comes back; nothing is lost."""
    flow = Flow(own_broker.bootstrap, tmp_path)
    try:
        worker = flow.worker("--sleep", 0.02)
        worker.wait_ready()
        flow.produce(0, EVENTS // 2)
        eventually(lambda: flow.committed() > 0)
        own_broker.kill()
        time.sleep(1)
        own_broker.start()
        flow.produce(EVENTS // 2, EVENTS)
        assert flow.verdicts(EVENTS).keys() == EVERYTHING
        eventually(lambda: flow.committed() == EVENTS)
        assert len(worker.log.splitlines()) < 150  # of thousands that the library logs meanwhile
    finally:
        flow.close()


def test_a_topic_made_after_the_start_is_read(bootstrap, tmp_path):
    """A worker that starts before its topic is there reads it soon: Faust's client by itself takes five minutes."""
    flow = Flow(bootstrap, tmp_path, topics=ECHO_TOPICS[1:])
    try:
        flow.worker().wait_ready()
        flow.make(ECHO_TOPICS[0])
        flow.produce(0, 5)
        assert len(flow.verdicts(5)) == 5
    finally:
        flow.close()


def test_without_a_broker_a_worker_ends(tmp_path):
    """A worker that cannot reach its broker exits with status 1 and one error, for a supervisor to start it again."""
    worker = Worker("localhost:1", Namespace("nowhere"), tmp_path / "worker.log", ECHO)
    assert worker.wait() == 1
    assert [json.loads(line) for line in worker.log.splitlines() if '"level": "error"' in line]
