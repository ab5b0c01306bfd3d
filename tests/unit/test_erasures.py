"""Which messages belong to somebody who was forgotten."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.forgotten import Forgotten
from streams.erasure.erasures import Erasures

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
SOON = NOON + timedelta(seconds=1)


def forgotten(**who):
    return Forgotten(app="shop", before=NOON, forgotten_by="ann", **who)


@pytest.mark.parametrize(
    ("record", "whose", "covered"),
    [
        ({"user": "u"}, ("shop", "u", "c", NOON), True),
        ({"user": "u"}, ("shop", "u", "c", SOON), False),
        ({"user": "u"}, ("bank", "u", "c", NOON), False),
        ({"user": "u"}, ("shop", "v", "u", NOON), False),
        ({"user": "u"}, ("shop", None, "u", NOON), False),
        ({"user": "u", "conversations": ("c",)}, ("shop", None, "c", NOON), True),
        ({"user": "u", "conversations": ("c",)}, ("shop", "v", "c", NOON), False),
        ({"conversation": "c"}, ("shop", None, "c", NOON), True),
        ({"conversation": "c"}, ("shop", "v", "c", NOON), True),
        ({"conversation": "c"}, ("shop", None, "c", SOON), False),
        ({"conversation": "c"}, ("shop", None, None, NOON), False),
    ],
)
def test_a_subject_is_covered_until_it_was_forgotten(record, whose, covered):
    """Its own, of its app, up to that moment; another user's share of a conversation only where that was forgotten."""
    assert Erasures().after([forgotten(**record)]).covers(*whose) == covered


def test_a_record_is_of_one_subject():
    """Neither nobody nor two."""
    for who in ({}, {"user": "u", "conversation": "c"}):
        with pytest.raises(ValueError, match="user or a conversation"):
            forgotten(**who)


moments = st.datetimes(timezones=st.just(UTC))


@given(st.lists(moments, min_size=1), moments)
def test_nobody_is_remembered_again(before, moment):
    """In whatever order the records come, the latest moment counts."""
    records = [Forgotten(app="shop", user="u", before=each, forgotten_by="ann") for each in before]
    assert Erasures().after(records).covers("shop", "u", None, moment) == (moment <= max(before))
