"""Whom to tell of what, by how things stand."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import validate
from schemas.errors import UnreadableError
from schemas.notification import Silence
from streams.notify.book import Book
from streams.notify.due import Terms, grouped, outstanding
from tests.fixtures.alerts import FINGERPRINT, NOON, alert, notice, resolved, silence

TERMS = Terms(group=timedelta(0), repeat=timedelta(hours=4))
ACK = {"fingerprint": FINGERPRINT, "acknowledges": NOON}


def book_of(*alerts, notices=(), silences=(), offset=10):
    book = Book()
    for each in alerts:
        book.learn(each, offset, NOON)
    for each in notices:
        book.note(each)
    for each in silences:
        book.silence(each)
    return book


def due(book, now=NOON, floor=0, terms=TERMS, target="webhook"):
    """What is due, as pairs of state and reason."""
    found = outstanding(book, target, terms, floor, now)
    return [(each.state, each.why) for each in found if each.due]


FIRING, OVER = alert(), resolved()
TOLD, TOLD_OVER = notice(FIRING), notice(OVER)


@pytest.mark.parametrize(
    ("book", "after", "expected"),
    [
        (book_of(FIRING), 0, [("firing", "change")]),
        (book_of(FIRING, notices=[TOLD]), 0, []),
        (book_of(FIRING, notices=[TOLD]), 3.9, []),
        (book_of(FIRING, notices=[TOLD]), 4, [("firing", "repeat")]),
        (book_of(OVER, notices=[TOLD]), 0, [("resolved", "change")]),
        (book_of(OVER, notices=[TOLD_OVER]), 99, []),
        (book_of(OVER), 0, [("resolved", "change")]),
        (book_of(resolved(fired_at=None)), 0, []),
        (book_of(alert(state="pending")), 0, []),
        (book_of(alert(state="no_data", fired_at=None)), 0, [("no_data", "change")]),
        (book_of(resolved(fired_at=None), notices=[notice(alert(state="no_data"))]), 0, [("resolved", "change")]),
        (book_of(alert(since=NOON + timedelta(hours=9)), notices=[TOLD_OVER]), 0, [("firing", "change")]),
        (book_of(alert(severity="warning"), notices=[TOLD]), 0, [("firing", "change")]),
        (book_of(FIRING, notices=[notice(FIRING, outcome="given_up", reason="x")]), 0, []),
        (book_of(FIRING, notices=[notice(FIRING, target="log")]), 0, [("firing", "change")]),
    ],
    ids=[
        "new", "told", "told a while ago", "reminder", "over", "told that it is over", "fired and ended unseen",
        "a doubt that ended", "a doubt", "no data", "data again", "again", "other severity", "given up", "other target",
    ],
)  # fmt: skip
def test_what_is_due(book, after, expected):
    """A target is told of every state but doubts once, and reminded of what goes on."""
    assert due(book, NOON + timedelta(hours=after)) == expected


def test_what_ended_before_a_target_was_set_up_is_not_told():
    """Below its floor a target is told of what is open, not of what is over."""
    assert due(book_of(OVER, offset=9), floor=10) == []
    assert due(book_of(OVER, offset=10), floor=10) == [("resolved", "change")]
    assert due(book_of(FIRING, offset=9), floor=10) == [("firing", "change")]


@pytest.mark.parametrize(
    ("held", "before", "during", "after"),
    [
        (FIRING, [], [], [("firing", "change")]),
        (FIRING, [TOLD], [], []),
        (OVER, [TOLD], [("resolved", "change")], [("resolved", "change")]),
        (OVER, [], [], [("resolved", "change")]),
    ],
)
def test_silences(held, before, during, after):
    """While it lasts nothing is told but the end of what was told; what still fires afterwards is told then."""
    book = book_of(held, notices=before, silences=[silence(app="shop")])
    assert due(book, NOON + timedelta(hours=1)) == during
    assert due(book, NOON + timedelta(hours=2)) == after


@pytest.mark.parametrize(
    ("matchers", "silenced"),
    [
        ({"app": "shop"}, True),
        ({"app": "bank"}, False),
        ({"app": "shop", "severity": "warning"}, False),
        ({"app": "shop", "severity": "critical", "alertname": "WeirResponseToxicity"}, True),
        ({"fingerprint": FINGERPRINT}, True),
    ],
)
def test_a_silence_matches_all_that_it_names(matchers, silenced):
    """Every matcher has to hold."""
    assert (due(book_of(FIRING, silences=[silence(**matchers)])) == []) == silenced


def test_what_somebody_has_taken_on():
    """Nobody is reminded while the alert stays as it is; its end and its return are told."""
    taken = silence(**ACK, ends_at=NOON + timedelta(days=7))
    later = NOON + timedelta(hours=5)
    assert due(book_of(FIRING, silences=[taken]), later) == [("firing", "change")]
    assert due(book_of(FIRING, notices=[TOLD], silences=[taken]), later) == []
    assert due(book_of(OVER, notices=[TOLD], silences=[taken]), later) == [("resolved", "change")]
    again = alert(since=NOON + timedelta(hours=4))
    told_again = notice(again, at=NOON)
    assert due(book_of(again, notices=[told_again], silences=[taken]), later) == [("firing", "repeat")]


@pytest.mark.parametrize(
    ("fields", "field"),
    [({}, "value"), ({"app": "a", "acknowledges": NOON.isoformat()}, "value"), ({"severity": "loud"}, "severity")],
)
def test_silences_that_will_not_do(fields, field):
    """A silence of everything and an acknowledgement of nothing are refused."""
    body = {"silence_id": silence(app="a").silence_id, "starts_at": NOON, "ends_at": NOON, "created_by": "ann"}
    with pytest.raises(UnreadableError) as caught:
        validate({**body, **fields}, Silence)
    assert caught.value.field == field


def test_changes_of_an_app_wait_for_each_other():
    """A change waits its time; what is due then is one notification an app, a state and a reason."""
    terms = Terms(timedelta(seconds=10), None)
    alerts = [alert("a" * 16), alert("b" * 16), alert("c" * 16, app="bank"), resolved("d" * 16)]
    book = book_of(*alerts, notices=[notice(alert("d" * 16))])
    assert grouped(outstanding(book, "webhook", terms, 0, NOON + timedelta(seconds=9)), NOON) == ()
    found = grouped(outstanding(book, "webhook", terms, 0, NOON + timedelta(seconds=10)), NOON)
    assert [(each.app, each.state, [a.fingerprint[0] for a in each.alerts]) for each in found] == [
        ("bank", "firing", ["c"]), ("shop", "firing", ["a", "b"]), ("shop", "resolved", ["d"]),
    ]  # fmt: skip


def test_a_notification_has_the_same_id_whenever_it_is_made():
    """A change sent again is the same notification; another state, and a reminder, are others."""

    def ids(*alerts, now=NOON, notices=()):
        return [
            each.notification_id
            for each in grouped(outstanding(book_of(*alerts, notices=notices), "w", TERMS, 0, now), now)
        ]

    later = NOON + timedelta(hours=5)
    assert ids(FIRING) == ids(FIRING, now=NOON + timedelta(hours=1))
    assert ids(FIRING) != ids(OVER)
    told = [notice(FIRING, target="w")]
    assert ids(FIRING, now=later, notices=told) != ids(FIRING, now=later + timedelta(hours=1), notices=told)


@given(
    st.lists(st.sampled_from(["pending", "firing", "no_data", "resolved"]), max_size=12),
    st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_a_target_always_ends_up_knowing(states, answers):
    """Whatever happens to an alert, and whenever the target answers, it knows the last state if it needs to."""
    book, fired = Book(), False
    for n, (state, answers_now) in enumerate(zip(states, answers, strict=False)):
        fired = fired or state == "firing"
        since = NOON + timedelta(hours=n)
        book.learn(alert(state=state, since=since, fired_at=NOON if fired else None), n, NOON)
        if answers_now:
            _tell(book)
    _tell(book)
    told = book.told("webhook", FINGERPRINT)
    last = book.find(FINGERPRINT)
    if last is not None and (last.alert.state in {"firing", "no_data"} or (last.alert.state == "resolved" and fired)):
        assert (told.state, told.since) == (last.alert.state, last.alert.since)
    assert due(book) == []


def _tell(book):
    for each in outstanding(book, "webhook", TERMS, 0, NOON):
        book.note(notice(each.known.alert))
