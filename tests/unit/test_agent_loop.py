"""The loop of an agent: batches, acknowledgements, failures."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from schemas.errors import UnavailableError
from streams.agents.app import Threads, message_of, run_batches, take
from streams.agents.batch import BATCH_BYTES
from streams.dead_letters.allowance import TooManyDeadLettersError


class Event:
    """Faust's event, as far as the loop looks."""

    def __init__(self, offset, log, value=b"text"):
        self._log = log
        self.message = SimpleNamespace(
            topic="t",
            partition=0,
            offset=offset,
            timestamp=1_767_225_600.123,
            key=None,
            value=value,
            headers=(("h", b"1"), ("h", None)),
        )

    is_acknowledged = False

    def ack(self):
        self.is_acknowledged = True
        self._log.append(("ack", self.message.offset))


class Runner:
    """Notes what it is asked to do."""

    name = "screen"
    is_stopped = False

    def __init__(self, log, failure=None, refusal=None):
        self._log = log
        self._failure = failure
        self._refusal = refusal

    def stopped(self):
        self.is_stopped = True
        self._log.append(("stopped",))

    def judge(self, messages):
        if self._refusal:
            raise self._refusal
        self._log.append(("judge", *(message.offset for message in messages)))
        return messages

    def deliver(self, messages, publications):
        assert publications == messages
        if self._failure:
            raise self._failure
        self._log.append(("deliver", *(message.offset for message in messages)))


@pytest.fixture
def threads():
    with ThreadPoolExecutor(1) as judging, ThreadPoolExecutor(1) as publishing:
        yield Threads(judging, publishing)


def queue_of(events):
    waiting = asyncio.Queue()
    for event in events:
        waiting.put_nowait(event)
    return waiting


async def run(events, runner, threads):
    """What the loop reports as failures before it has nothing left to do."""
    waiting, failures = queue_of(events), []
    running = asyncio.ensure_future(run_batches(waiting, runner, threads, 4, failures.append))
    async with asyncio.timeout(120):
        while not (running.done() or runner.is_stopped or all(event.is_acknowledged for event in events)):
            await asyncio.wait({running}, timeout=0.01)
    running.cancel()
    return failures


async def test_acknowledged_after_delivery(threads):
    """Events are judged together, delivered, and only then acknowledged."""
    log = []
    assert await run([Event(1, log), Event(2, log)], Runner(log), threads) == []
    assert log == [("judge", 1, 2), ("deliver", 1, 2), ("ack", 1), ("ack", 2)]


async def test_large_events_go_by_themselves(threads):
    """A batch that is too many bytes is cut, and each part acknowledged as soon as it is delivered."""
    log = []
    events = [Event(n, log, b"x" * (BATCH_BYTES // 2 + 1)) for n in (1, 2)]
    await run(events, Runner(log), threads)
    assert log == [("judge", 1), ("deliver", 1), ("ack", 1), ("judge", 2), ("deliver", 2), ("ack", 2)]


@pytest.mark.parametrize("failure", [UnavailableError("away"), RuntimeError("a bug")])
async def test_a_failure_acknowledges_nothing_and_ends_the_loop(threads, failure):
    """What cannot be delivered is reported once; neither it nor anything after it is acknowledged."""
    log = []
    failures = await run([Event(n, log) for n in range(8)], Runner(log, failure), threads)
    assert failures == [failure]
    assert log == [("judge", 0, 1, 2, 3)]


async def test_no_agent_waits_for_more_than_one_batch_of_another(threads):
    """Agents with a backlog take turns on the threads that they share."""
    log, done = [], asyncio.Event()
    told = asyncio.get_running_loop().call_soon_threadsafe

    class Named(Runner):
        def __init__(self, name):
            super().__init__([])
            self.name = name

        def judge(self, messages):
            log.append(self.name)
            if len(log) == 12:
                told(done.set)
            return messages

    names = ("screen", "judge", "observe")
    backlogs = {name: queue_of(Event(n, []) for n in range(16)) for name in names}
    loops = [
        asyncio.ensure_future(run_batches(waiting, Named(name), threads, 4, pytest.fail))
        for name, waiting in backlogs.items()
    ]
    await asyncio.wait_for(done.wait(), 120)
    for each in loops:
        each.cancel()
    assert log == [*names] * 4


async def test_a_batch_takes_what_is_there():
    """A batch is full, or ends a moment after its first item."""
    waiting = asyncio.Queue()
    for n in range(5):
        waiting.put_nowait(n)
    assert await take(waiting, 3) == [0, 1, 2]
    assert await take(waiting, 3) == [3, 4]


async def test_a_batch_waits_for_its_first_item():
    """Without events nothing happens, and an item that comes while waiting is not lost."""
    waiting = asyncio.Queue()
    taking = asyncio.ensure_future(take(waiting, 3))
    await asyncio.sleep(0.05)
    assert not taking.done()
    waiting.put_nowait(1)
    assert await asyncio.wait_for(taking, 120) == [1]


def test_a_message_is_as_it_came():
    """Headers keep their order and duplicates, the time its milliseconds."""
    message = message_of(Event(7, []))
    assert message.headers == (("h", b"1"), ("h", None))
    assert message.timestamp.isoformat() == "2026-01-01T00:00:00.123000+00:00"


async def test_too_many_dead_letters_stop_the_loop_and_not_the_process(threads):
    """Nothing is acknowledged, nothing more is read, and no failure would start the process again."""
    log = []
    runner = Runner(log, refusal=TooManyDeadLettersError("too many"))
    assert await run([Event(1, log), Event(2, log)], runner, threads) == []
    assert log == [("stopped",)]
