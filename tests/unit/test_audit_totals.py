"""An audit's sums."""

import pytest

from streams.store.accounting import HourAccount, MissingRange, PartitionAccount
from streams.store.audit import Duplicates, Totals, _summary
from streams.store.reply_check import ReplyCheck
from tests.fixtures.store_rows import NOON

NONE = Duplicates(0, 0, ())
STAGES = (("t", "screen"), ("t", "settle"))


def hour(stage="screen", **counts):
    return HourAccount(**{"topic": "t", "stage": stage, "partition": 0, "hour": NOON, "came_in": 0, "done": 0,
                          "dead": 0, "in_flight": 0, "held": 0, "missing": 0, **counts})  # fmt: skip


def summary(*accounts, replies=ReplyCheck()):  # noqa: B008 - frozen
    return _summary(STAGES, accounts, NONE, replies)


def test_totals_are_sums_over_partitions_and_hours():
    """The totals of a stage add up its partitions and hours, and no other stage's; what is in flight is complete."""
    one = PartitionAccount((hour(came_in=5, done=4, dead=1), hour(came_in=2, in_flight=2, held=1)), ())
    two = PartitionAccount((hour(came_in=3, done=3),), ())
    three = PartitionAccount((hour("settle", came_in=4, done=4),), ())
    result = summary(one, two, three)
    assert result.totals == (Totals("t", "screen", 10, 7, 1, 2, 1, 0), Totals("t", "settle", 4, 4, 0, 0, 0, 0))
    assert result.complete


def test_a_stage_without_events_has_its_row():
    """Every stage is listed, whether or not anything came in."""
    assert [(each.stage, each.came_in) for each in summary().totals] == [("screen", 0), ("settle", 0)]


def test_anything_missing_makes_it_incomplete():
    """One missing offset is named and makes the audit incomplete."""
    gap = MissingRange("t", "screen", 0, 7, 7)
    result = summary(PartitionAccount((hour(came_in=1, missing=1),), (gap,)))
    assert result.missing == (gap,)
    assert not result.complete


@pytest.mark.parametrize("fault", ["unanswered", "unsettled", "repeated"])
def test_any_faulty_reply_makes_it_incomplete(fault):
    """One reply that is not as promised is enough."""
    assert not summary(replies=ReplyCheck(**{fault: 1})).complete
