import time

import pytest

from streams.store.feed import Feed
from streams.store.positions import read_known
from tests.fixtures.store_rows import verdict
from tests.fixtures.store_side import publish

pytestmark = [pytest.mark.kafka, pytest.mark.store]


def until(feed, condition, seconds=120):
    """Poll until the condition holds; what was read meanwhile."""
    end = time.monotonic() + seconds
    found = []
    while not condition(found):
        assert time.monotonic() < end
        found += feed.poll(0.1)
    return found


def test_a_rebalance_during_a_pause_leaves_nothing_paused(settings, store):
    """Partitions that change hands while the feed is paused are read again once they are placed."""
    feed = Feed(settings, leave=lambda: None)
    feed.open()
    try:
        until(feed, lambda _: not feed.placed)
        feed.place(read_known(store))
        feed.pause()
        feed._on_assign(feed._opened, feed._opened.assignment())  # as librdkafka does after a broker's death
        feed.resume()  # nothing is assigned at this moment
        feed.place(read_known(store))
        publish(settings, [verdict(f"e{offset}", offset) for offset in range(3)])
        assert len(until(feed, lambda found: len(found) >= 3)) == 3
    finally:
        feed.close()
