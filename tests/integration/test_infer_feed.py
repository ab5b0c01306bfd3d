"""What the inference process reads, on a real broker."""

import time

import pytest

from schemas.topics import WORK_BULK, WORK_INTERACTIVE
from streams.infer.feed import Feed
from streams.infer.outbox import Outbox
from tests.fixtures.infer_side import Inferring, work
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.kafka


@pytest.fixture
def inferring(bootstrap, namespace, tmp_path):
    made = Inferring(bootstrap, namespace, tmp_path)
    yield made
    made.close()


def opened(inferring, **limits):
    feed = Feed(inferring.settings, **limits)
    feed.open(lambda: None, lambda places: None)
    return feed


def test_a_full_topic_rests_and_the_other_does_not(inferring):
    """Not much more is read than is wanted ahead; what is done makes room, and nothing is left out."""
    for number in range(900):
        inferring.ask(f"i{number}", work(conversation=f"c{number}"))
    feed = opened(inferring, ahead=5)
    held, seen = [], 0
    eventually(lambda: held.extend(feed.poll(0.1)) or held)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        held.extend(feed.poll(0.1))
    assert len(held) <= 5 + 256  # one poll's worth
    inferring.ask("bulk", work(), WORK_BULK)
    bulk = inferring.names.of(WORK_BULK)
    eventually(lambda: held.extend(feed.poll(0.1)) or any(message.topic == bulk for message in held))

    def all_read():
        nonlocal seen
        seen += len(held)
        feed.finish(held)
        held[:] = feed.poll(0.1)
        return seen == 901

    eventually(all_read, pause=0)
    feed.close()


def test_what_is_answered_out_of_order_is_not_read_again(inferring):
    """The next reader gets what was not answered, before and behind what was."""
    for number in range(20):
        inferring.ask(str(number), work(conversation=f"c{number}"))
    feed = opened(inferring)
    held = []
    eventually(lambda: held.extend(feed.poll(0.1)) or len(held) == 20)
    done, left = held[5:], held[:5]
    outbox = Outbox(inferring.settings, feed)
    feed.finish(done)
    outbox.write()
    outbox.close()
    feed.close()
    again = opened(inferring)
    found = []
    eventually(lambda: found.extend(again.poll(0.1)) or len(found) >= 5)
    end = time.monotonic() + 1
    while time.monotonic() < end:
        found.extend(again.poll(0.1))
    again.close()
    topic = inferring.names.of(WORK_INTERACTIVE)
    assert {message.topic for message in found} == {topic}
    assert sorted((m.partition, m.offset) for m in found) == sorted((m.partition, m.offset) for m in left)
