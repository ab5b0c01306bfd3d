"""What settle remembers: packed, found again as it was, and due when it should be."""

import random
import tracemalloc
from uuid import UUID

import pytest

from schemas.reply import Hold, Spot
from streams.settle.book import Book
from streams.settle.entry import Identity, Pending, Place, Settled
from streams.settle.timers import Timers

NOW = 1_764_000_000_000
WHO = Identity("shop", "r1", "default", "\u0645\u062d\u0627\u062f\u062b\u0629 \U0001f600")
HOLD = Hold(review_id=UUID(int=5), side="response", seconds=9, on_expiry="release")


@pytest.mark.parametrize(
    "entry",
    [
        Pending("open", NOW, WHO, (Place(0, 1, 2), Place(3, 2**40, NOW)), "d" * 32),
        Pending("held", NOW, WHO, (Place(0, 1, 2),), None, HOLD, Spot(partition=1, offset=2)),
        Pending("cancelled", NOW, WHO),
        Settled(NOW, NOW, "error", "CANCELLED", None),
    ],
)
def test_an_entry_comes_back_as_it_was(entry):
    """Whatever it says."""
    book = Book()
    book.put(WHO.key, entry, NOW)
    assert book.get(WHO.key) == entry
    book.remove(WHO.key)
    assert book.get(WHO.key) is None


def test_only_what_is_held_now_is_held_for_a_review():
    """An entry that goes on is not found by its review any more."""
    book = Book()
    book.put(WHO.key, Pending("held", NOW, WHO, hold=HOLD), NOW)
    assert (book.held_for(HOLD.review_id), book.held, book.open) == (WHO.key, 1, 0)
    book.put(WHO.key, Settled(NOW, NOW, "delivered"), NOW)
    assert (book.held_for(HOLD.review_id), book.held, book.settled) == (None, 0, 1)


def test_an_entry_is_due_once_and_by_its_latest_time():
    """A timer that was set for an earlier state does nothing."""
    book = Book()
    book.put(WHO.key, Pending("open", NOW + 10, WHO), NOW)
    book.put(WHO.key, Pending("open", NOW + 50, WHO), NOW)
    assert list(book.due(NOW + 20, 9)) == []
    assert [key for key, _ in book.due(NOW + 50, 9)] == [WHO.key]
    assert list(book.due(NOW + 99, 9)) == []


def test_a_million_open_requests_fit():
    """Less than 400 bytes a request, timers and tables included."""
    count = 40_000
    book = Book()
    tracemalloc.start()
    for number in range(count):
        who = Identity("shop-frontend", f"{UUID(int=number)}", "default", f"conversation-{number}")
        book.put(who.key, Pending("open", NOW + number, who, (Place(1, number, NOW),), f"{number:032x}"), NOW)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / count < 400


def test_nothing_is_early_and_little_is_late():
    """Every key comes up once, at its time or a hundredth of a second after it, in order of time."""
    chance = random.Random(1)
    dues = {bytes([number >> 8, number & 255]): NOW + chance.randrange(2_000) for number in range(3_000)}
    timers = Timers()
    for key, due in dues.items():
        timers.set(key, due, NOW)
    seen = []
    for now in range(NOW, NOW + 2_020, 7):
        while taken := list(timers.due(now, 5)):
            assert all(0 <= now - dues[key] < 10 + 7 for key in taken)
            seen += taken
    assert sorted(seen) == sorted(dues)
    assert timers.next is None


def test_far_timers_share_their_buckets():
    """What is due hours ahead comes up within ten seconds, and costs little more than its key."""
    timers = Timers()
    timers.set(b"a", NOW + 7_200_001, NOW)
    timers.set(b"b", NOW + 7_200_002, NOW)
    assert list(timers.due(NOW + 7_200_001, 9)) == []
    assert set(timers.due(NOW + 7_210_001, 9)) == {b"a", b"b"}
