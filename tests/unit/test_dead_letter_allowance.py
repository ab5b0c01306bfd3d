"""How much may become dead letters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.dead_letters.allowance import WINDOW_SECONDS, Allowance, TooManyDeadLettersError


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def spend(allowance, messages, dead):
    """Whether that was too much."""
    try:
        allowance.count(messages, dead)
    except TooManyDeadLettersError:
        return True
    return False


@pytest.mark.parametrize(
    ("batches", "stops"),
    [
        ([(100, 10)], False),
        ([(100, 11)], False),
        ([(100, 51)], True),
        ([(100, 0), (20, 20)], False),
        ([(10, 0), (20, 20)], True),
        ([(10, 0), (10, 10), (10, 10)], True),
    ],
)
def test_a_share_of_the_traffic(batches, stops):
    """Beyond the share and beyond the few that always may, it stops."""
    allowance = Allowance(0.5, 10)
    assert any(spend(allowance, *batch) for batch in batches) == stops


def test_a_few_are_no_reason_to_stop():
    """However large their share."""
    assert not spend(Allowance(0.0, 10), 10, 10)
    assert spend(Allowance(0.0, 10), 11, 11)


def test_a_share_of_one_never_stops():
    """The setting that switches it off."""
    assert not spend(Allowance(1.0, 0), 1_000_000, 1_000_000)


def test_old_traffic_does_not_count():
    """Good traffic of long ago excuses nothing, bad one of long ago stops nothing."""
    clock = Clock()
    allowance = Allowance(0.5, 10, clock)
    assert not spend(allowance, 10, 10)
    clock.now += WINDOW_SECONDS
    assert not spend(allowance, 1_000, 10)
    clock.now += WINDOW_SECONDS
    assert spend(allowance, 20, 20)


def test_once_stopped_it_stays_so():
    """Good messages pass; nothing is given up on, though the share becomes small."""
    clock = Clock()
    allowance = Allowance(0.5, 10, clock)
    assert spend(allowance, 20, 20)
    assert not spend(allowance, 1_000, 0)
    clock.now += 10 * WINDOW_SECONDS
    assert spend(allowance, 1, 1)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50))), st.floats(0, 1), st.integers(0, 30))
def test_what_is_let_through_is_within_the_limit(batches, share, least):
    """In one window: of what was let through, no more than the share or the few that always may."""
    allowance, messages, lost = Allowance(share, least, Clock()), 0, 0
    for more, dead in ((max(pair), min(pair)) for pair in batches):
        messages += more
        if not spend(allowance, more, dead):
            lost += dead
        assert lost <= max(least, share * messages)
