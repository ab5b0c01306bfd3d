"""The corrected consumer inside Faust, without a broker: what it would commit, and how long it waits."""

import asyncio
import inspect
from types import SimpleNamespace

import faust
import pytest
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP

from streams.agents import consumer as subject
from streams.agents.consumer import SafeConsumer, SafeTransport

PARTITION = TP("weir.interactions", 0)


@pytest.fixture
async def consumer(tmp_path):
    """A consumer of an app that is not started."""
    app = faust.App("weir.worker", broker="kafka://localhost:1", datadir=str(tmp_path), env={})
    app.transport = SafeTransport(app.conf.broker_consumer, app)
    return app.consumer


def deliver(consumer, offset, *, tracked=True):
    record = SimpleNamespace(
        topic=PARTITION.topic,
        partition=PARTITION.partition,
        offset=offset,
        timestamp=0,
        timestamp_type=1,
        headers=(),
        key=None,
        value=b"",
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
    )
    message = consumer._to_message(PARTITION, record)
    if tracked:  # what a stream does with a message that it hands to its agent
        message.tracked = True
        consumer._unacked_messages.add(message)
    return message


def committable(consumer):
    tps = consumer._filter_tps_with_pending_acks()
    return consumer._filter_committable_offsets(list(tps))


async def test_only_this_app_gets_it(consumer):
    """The consumer belongs to the app whose transport says so; Faust's own classes are as they were."""
    assert isinstance(consumer, SafeConsumer)
    assert Transport.Consumer is Consumer


async def test_a_gap_before_the_first_commit_is_kept(consumer):
    """With nothing committed yet, an acknowledged second event does not carry away the first."""
    _first, second = deliver(consumer, 0), deliver(consumer, 1)
    assert consumer.ack(second)
    assert committable(consumer) == {}


async def test_an_open_event_at_the_committed_offset_is_kept(consumer):
    """One open event exactly at the committed offset holds the position."""
    consumer._committed_offset[PARTITION] = 5
    _open, done = deliver(consumer, 5), deliver(consumer, 6)
    consumer.ack(done)
    assert committable(consumer) == {}


async def test_an_event_skipped_by_its_stream_is_not_done(consumer):
    """Faust acknowledges what it skips during a rebalance; such an event was never handed to an agent."""
    assert not consumer.ack(deliver(consumer, 0, tracked=False))
    assert committable(consumer) == {}


async def test_offsets_that_never_arrive_leave_no_gap(consumer):
    """Transaction markers and compacted offsets do not hold the position."""
    for offset in (3, 7):
        consumer.ack(deliver(consumer, offset))
    assert committable(consumer) == {PARTITION: 8}


async def test_acknowledgements_live_until_the_commit(consumer):
    """On a rebalance the base class still finds what to commit; afterwards the partition starts anew."""
    consumer.ack(deliver(consumer, 0))
    seen = []

    async def commit(_revoked):
        seen.append(committable(consumer))

    consumer._on_partitions_revoked = commit
    await consumer.on_partitions_revoked({PARTITION})
    assert seen == [{PARTITION: 1}]
    assert committable(consumer) == {}


async def test_a_full_buffer_is_looked_at_again_soon(consumer):
    """With every partition paused, the wait for room is a moment and nothing is fetched."""
    consumer._set_active_tps({PARTITION})
    consumer.on_buffer_full(PARTITION)
    records, active = await asyncio.wait_for(consumer._wait_next_records(1.0), 60)
    assert (records, active) == ({}, set())


@pytest.fixture
def commits(consumer, monkeypatch):
    """How often the consumer committed."""
    done = []

    async def commit():
        done.append(True)

    monkeypatch.setattr(consumer, "commit_and_end_transactions", commit)
    return done


async def test_waiting_ends_at_the_deadline(consumer, commits, monkeypatch):
    """An event that is never acknowledged delays a rebalance by the deadline, and what is done is committed."""
    monkeypatch.setattr(subject, "DRAIN_SECONDS", 0.1)
    kept = deliver(consumer, 0)
    await asyncio.wait_for(consumer.wait_empty(), 60)
    assert commits == [True]
    assert not kept.acked


async def test_waiting_ends_with_the_last_acknowledgement(consumer, commits):
    """A batch that finishes in time is waited for, and no longer."""
    message = deliver(consumer, 0)
    asyncio.get_running_loop().call_later(0.1, consumer.ack, message)
    await asyncio.wait_for(consumer.wait_empty(), 60)
    assert message.acked
    assert commits == [True]


async def test_an_abandoned_batch_is_not_waited_for(consumer, commits):
    """After a failure the process ends at once."""
    kept = deliver(consumer, 0)
    consumer.abandon()
    await asyncio.wait_for(consumer.wait_empty(), 60)
    assert commits == [True]
    assert not kept.acked


@pytest.mark.parametrize(
    ("base", "ours"),
    [(Consumer, SafeConsumer), (AIOKafkaConsumerThread, subject._ConsumerThread)],
    ids=["consumer", "thread"],
)
def test_faust_still_has_what_is_overridden(base, ours):
    """Every method that is replaced exists in the installed Faust with the same parameters."""
    replaced = {name for name, value in vars(ours).items() if inspect.isfunction(value)} - {"__init__", "abandon"}
    for name in replaced:
        assert list(inspect.signature(getattr(ours, name)).parameters) == list(
            inspect.signature(getattr(base, name)).parameters
        ), name
