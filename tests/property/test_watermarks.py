"""What the monitor comes to does not depend on who is read faster, nor on where it ends and begins again."""

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.monitor.readings import DIMENSIONS, Reading
from streams.monitor.watcher import Watcher
from streams.monitor.watermarks import Partition, Terms
from tests.fixtures.monitored import ALARMS, closed_upto

TERMS = Terms(bin=10, lateness=5)


def reading(unit, time):
    return Reading(f"u{unit}", "shop", f"c{unit % 5}", time, {"refusal": (unit % 10) / 10}, ("x",) * len(DIMENSIONS))


def fresh(partitions=None, closed=None, apps=None):
    watcher = Watcher(TERMS, lambda _: ALARMS, apps, closed_upto(closed))
    watcher.follow(partitions or [Partition("v", "id", 0), Partition("v", "id", 1)])
    return watcher


def known(watcher, log):
    counts = [(each.late, each.repeated) for each in watcher.partitions.values()]
    assert [each.next for each in watcher.partitions.values()] == [len(log[0]), len(log[1])]
    return watcher.closed, watcher.apps, counts


events = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 120)), min_size=1, max_size=40)


@given(logs=st.tuples(events, events), turns=st.lists(st.integers(0, 9), min_size=1, max_size=60))
@settings(deadline=None, max_examples=150)
def test_any_reading_with_any_ends_comes_to_the_same(logs, turns):
    """Partitions read in any turn, with an end after any message: bins, late and repeated events are as in one go."""
    log = [sorted(each, key=lambda event: event[1] // 20) for each in logs]  # some order, and some late ones
    whole = fresh()
    for partition in (0, 1):
        for offset, (unit, time) in enumerate(log[partition]):
            whole.read(("v", partition), offset, reading(unit * 2 + partition, time))
    if (upto := whole.due(())) is not None:
        whole.close(upto)

    live, saved = fresh(), None
    turn = 0
    while any(live.partitions["v", p].next < len(log[p]) for p in (0, 1)):
        choice = turns[turn % len(turns)] + turn
        turn += 1
        if choice % 7 == 6 and turn < 200:  # it ends, and goes on from what was saved when bins were last closed
            live = (
                fresh() if saved is None else fresh([Partition.restored(each) for each in saved[0]], saved[1], saved[2])
            )
            continue
        partition = choice % 2 if live.partitions["v", choice % 2].next < len(log[choice % 2]) else 1 - choice % 2
        offset = live.partitions["v", partition].next
        unit, time = log[partition][offset]
        live.read(("v", partition), offset, reading(unit * 2 + partition, time))
        if (upto := live.due(())) is not None:
            live.close(upto)
            saved = ([each.progress() for each in live.partitions.values()], live.closed, dict(live.apps))
    assert known(live, log) == known(whole, log)
