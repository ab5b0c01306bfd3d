"""However many monitors share the apps, and however that changes, each app is counted as by one that reads all."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.monitoring import MonitorClaim, MonitorProgress, MonitorState
from streams.monitor.readings import DIMENSIONS, Passing, Reading
from streams.monitor.records import Restored
from streams.monitor.shards import Shard, inherited, place_of, rivals
from streams.monitor.watcher import Watcher
from streams.monitor.watermarks import Terms
from tests.fixtures.monitored import ALARMS, START

TERMS = Terms(bin=10, lateness=5)
APPS = ("shop", "desk", "bank", "mail", "news")


@dataclass
class Log:
    """Two partitions of events, what was said last by each shard, in order, and every app's latest state."""

    partitions: list
    said: dict = field(default_factory=dict)
    apps: dict = field(default_factory=dict)

    def reading(self, shard, partition, offset):
        unit, time = self.partitions[partition][offset]
        app = APPS[unit % len(APPS)]
        if not shard.owns(app):
            return Passing(time)
        return Reading(f"u{unit}", app, f"c{unit % 3}", time, {"refusal": (unit % 10) / 10}, ("x",) * len(DIMENSIONS))

    def begun(self, shard):
        """A monitor that takes the shard over."""
        past = inherited(shard, list(self.said.values()))
        apps = {name: app for name, app in self.apps.items() if shard.owns(name)}
        watcher = Watcher(TERMS, lambda _: ALARMS, apps, past)
        watcher.follow(past.partition("v", "id", number) for number in (0, 1))
        return watcher

    def read(self, shard, watcher, partition, most):
        for _ in range(most):
            offset = watcher.partitions["v", partition].next
            if offset >= len(self.partitions[partition]):
                return
            watcher.read(("v", partition), offset, self.reading(shard, partition, offset))
            self.close(shard, watcher)

    def close(self, shard, watcher):
        if (upto := watcher.due(())) is None:
            return
        self.apps |= watcher.close(upto).apps
        self.said.pop(shard, None)
        progress = tuple(each.progress() for each in watcher.partitions.values())
        self.said[shard] = MonitorProgress(
            shard=shard.number, shards=shard.count, bin_seconds=1, clock="event", closed=upto, partitions=progress,
            at=START,
        )  # fmt: skip


events = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 120)), min_size=1, max_size=40)
steps = st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(1, 12))
"""Which shard reads, of which partition, how many events."""


@given(
    logs=st.tuples(events, events),
    terms=st.lists(st.tuples(st.integers(1, 4), st.lists(steps, max_size=12)), max_size=5),
    last=st.integers(1, 4),
)
@settings(deadline=None, max_examples=150)
def test_a_change_of_the_number_loses_and_doubles_nothing(logs, terms, last):
    """Shards that come, go on from whoever had their apps, and end at any moment: every app is as in one reading."""
    partitions = [sorted(each, key=lambda event: event[1] // 20) for each in logs]  # some order, and some late ones
    whole, log = Log(partitions), Log(partitions)
    alone = whole.begun(Shard())
    for partition in (0, 1):
        whole.read(Shard(), alone, partition, 100)
    for count, turns in terms:
        shards = {Shard(number, count): log.begun(Shard(number, count)) for number in range(count)}
        for number, partition, most in turns:
            shard = Shard(number % count, count)
            log.read(shard, shards[shard], partition, most)
    for shard in (Shard(number, last) for number in range(last)):
        watcher = log.begun(shard)
        for partition in (0, 1):
            log.read(shard, watcher, partition, 100)
        assert watcher.closed == alone.closed
    assert log.apps == whole.apps


@given(app=st.text(), count=st.integers(1, 64))
def test_an_app_is_one_shards(app, count):
    """The shards' hashes follow on each other without gap or overlap, and an app is where its hash is."""
    shards = [Shard(number, count) for number in range(count)]
    edges = [edge for shard in shards for edge in shard.span]
    assert edges == sorted(edges)
    assert edges[1:-1:2] == edges[2::2]
    assert (edges[0], edges[-1]) == (0, 2**64)
    (owner,) = [shard for shard in shards if shard.owns(app)]
    assert owner.span[0] <= place_of(app) < owner.span[1]


def test_who_shares_otherwise_is_deposed():
    """Holders of other shards among another number are; whoever holds the same shard is by the shard's own name."""
    assert rivals(Shard(0, 2), {0: 1, 1: 2}) == []
    assert rivals(Shard(1, 2), {0: 1, 1: 1, 2: 3}) == [0, 2]
    assert rivals(Shard(), {}) == []


def test_a_process_that_others_have_outrun_does_not_take_over_again():
    """Once others share the work otherwise, who held a shard before ends; who comes new takes it over."""

    def claim(shard, shards, process):
        return MonitorState(claim=MonitorClaim(shard=shard, shards=shards, process=process, tenure=process, at=START))

    log = [claim(0, 1, "old"), claim(1, 2, "new"), claim(0, 1, "old")]
    for process, outdated in (("old", True), ("other", False)):
        restored = Restored(Shard(), process)
        for each in log:
            restored.take(each)
        assert restored.outdated is outdated
        assert restored.claims == {0: 1, 1: 2}
