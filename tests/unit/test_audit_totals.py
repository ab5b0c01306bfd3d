"""An audit's sums."""

from streams.store.accounting import HourAccount, MissingRange, PartitionAccount
from streams.store.audit import Duplicates, _summary
from tests.fixtures.store_rows import NOON

NONE = Duplicates(0, 0, ())


def hour(**counts):
    return HourAccount(**{"topic": "t", "partition": 0, "hour": NOON, "came_in": 0, "judged": 0, "dead": 0,
                          "in_flight": 0, "missing": 0, **counts})  # fmt: skip


def test_totals_are_sums_over_everything():
    """The totals add up every partition and hour; what is in flight leaves the audit complete."""
    one = PartitionAccount((hour(came_in=5, judged=4, dead=1), hour(came_in=2, in_flight=2)), ())
    two = PartitionAccount((hour(came_in=3, judged=3),), ())
    result = _summary([one, two], NONE)
    totals = result.totals
    assert (totals.came_in, totals.judged, totals.dead, totals.in_flight, totals.missing) == (10, 7, 1, 2, 0)
    assert result.complete


def test_anything_missing_makes_it_incomplete():
    """One missing offset is named and makes the audit incomplete."""
    gap = MissingRange("t", 0, 7, 7)
    result = _summary([PartitionAccount((hour(came_in=1, missing=1),), (gap,))], NONE)
    assert result.missing == (gap,)
    assert not result.complete
