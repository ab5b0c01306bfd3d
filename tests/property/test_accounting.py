"""The ledger's arithmetic, against counting offset by offset."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.offset_ranges import OffsetRange, apart, count, within, without
from streams.kafka.place import Place
from streams.store.accounting import Endings, HourStart, PartitionFacts, account, unended

SPACE = 60
HOUR = datetime(2026, 11, 23, 9, tzinfo=UTC)
ranges = st.lists(st.tuples(st.integers(0, SPACE), st.integers(0, 12)).map(lambda p: OffsetRange(p[0], p[0] + p[1])))


def offsets(parts):
    return {offset for part in parts for offset in range(part.first, part.past)}


@given(st.tuples(st.integers(0, SPACE), st.integers(0, SPACE)), ranges)
def test_within_and_without_share_out_a_range(ends, parts):
    """Every offset of a range is in exactly one of what lies within others and what is left without them."""
    whole = OffsetRange(min(ends), max(ends))
    inside, outside = within(whole, parts), without(whole, parts)
    assert offsets(inside) == offsets([whole]) & offsets(parts)
    assert offsets(outside) == offsets([whole]) - offsets(parts)
    assert count(inside) + count(outside) == len(whole)
    assert [*inside] == sorted(inside)
    assert [*outside] == sorted(outside)


@given(st.tuples(st.integers(0, SPACE), st.integers(0, SPACE)), ranges, ranges)
def test_apart_is_what_the_others_leave(ends, parts, others):
    """Of ranges that do not overlap, every offset is left that none of the others holds."""
    joined = within(OffsetRange(min(ends), max(ends)), parts)
    assert offsets(apart(joined, others)) == offsets(joined) - offsets(others)


@st.composite
def facts(draw):
    """A partition whose offsets are done, dead, open, held, void or unknown; some are known twice."""
    first, past = sorted([draw(st.integers(0, SPACE)), draw(st.integers(0, SPACE))])
    kinds = draw(st.lists(st.sampled_from("jdohvu"), min_size=past - first, max_size=past - first))
    kinds = dict(zip(range(first, past), kinds, strict=True))
    starts = sorted(draw(st.sets(st.integers(first, max(first, past - 1)), max_size=5)) | {first})
    chosen = {kind: tuple(OffsetRange(o, o + 1) for o, k in kinds.items() if k == kind) for kind in "jdohv"}
    twice = draw(st.sets(st.sampled_from([o for o, k in kinds.items() if k in "joh"] or [0])))
    also_dead = tuple(OffsetRange(offset, offset + 1) for offset in twice if kinds.get(offset))
    return kinds, PartitionFacts(
        place=Place("t", 3),
        stage="settle",
        span=OffsetRange(first, past),
        hours=tuple(HourStart(HOUR + timedelta(hours=n), start) for n, start in enumerate(starts)),
        endings=Endings(chosen["j"], chosen["d"] + also_dead, chosen["o"], chosen["h"]),
        committed=draw(st.integers(0, SPACE)),
        all_stored=draw(st.booleans()),
        void=chosen["v"],
    )


@given(facts())
def test_every_event_is_counted_once(case):
    """Done, dead, in flight and missing add up to what came in, in every hour and overall."""
    kinds, given_facts = case
    result = account(given_facts)
    for hour in result.hours:
        assert hour.came_in == hour.done + hour.dead + hour.in_flight + hour.missing
    assert sum(hour.came_in for hour in result.hours) == sum(kind != "v" for kind in kinds.values())
    for name, kind in (("done", "j"), ("dead", "d"), ("held", "h")):
        assert sum(getattr(hour, name) for hour in result.hours) == sum(each == kind for each in kinds.values())


@given(facts())
def test_missing_are_the_unended_below_the_commit(case):
    """Missing is what the stage is done with, once everything is stored, and what the store knows nothing of."""
    kinds, given_facts = case
    result = account(given_facts)
    expected = {
        offset
        for offset, kind in kinds.items()
        if kind == "u" and given_facts.all_stored and offset < given_facts.committed
    }
    named = {offset for gap in result.missing for offset in range(gap.first, gap.last + 1)}
    assert named == expected
    assert sum(hour.missing for hour in result.hours) == len(expected)


@given(facts())
def test_hours_hold_their_own_offsets(case):
    """An hour counts the offsets from its first to the next hour's first."""
    kinds, given_facts = case
    starts = [start.first for start in given_facts.hours[1:]]
    for hour in account(given_facts).hours:
        index = next(n for n, start in enumerate(given_facts.hours) if start.hour == hour.hour)
        low = given_facts.span.first if index == 0 else starts[index - 1]
        high = starts[index] if index < len(starts) else given_facts.span.past
        assert hour.came_in == sum(kind != "v" for offset, kind in kinds.items() if low <= offset < high)


@given(facts())
def test_unended_is_what_the_store_does_not_know(case):
    """The offsets to be looked at are those that neither ended nor are known to be on their way."""
    kinds, given_facts = case
    assert offsets(unended(given_facts)) == {offset for offset, kind in kinds.items() if kind in "vu"}
