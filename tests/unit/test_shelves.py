"""Which topic goes into which table."""

import pytest

from schemas.codec import Message, Outgoing
from schemas.errors import UnreadableError
from schemas.topics import STATE, TOPICS, Namespace
from streams.erasure.erasures import Erasures
from streams.store.shelves import shelves
from tests.fixtures.served_rows import forgotten, message, outgoing, reply, review, settlement
from tests.fixtures.store_rows import NOON

IDS = {"weir.replies": "r", "weir.settled": "s", "weir.reviews": "w"}


def entry(message):
    return shelves(Namespace())[message.topic].entry(message, IDS, Erasures())


def test_every_stored_topic_has_a_shelf():
    """What the table of topics says that the store reads, and nothing else, has a place in it."""
    stored = {Namespace("ns.v2").of(topic) for topic in TOPICS if "store" in topic.read_by and topic not in STATE}
    assert shelves(Namespace("ns.v2")).keys() == stored


def test_what_settle_forgets_is_no_row_and_no_fault():
    """A tombstone is read and stored as nothing."""
    assert entry(Message("weir.settled", 0, 3, NOON, forgotten(settlement()).key, None)).rows == ()


def test_an_empty_value_elsewhere_is_unreadable():
    """Only settle forgets by writing nothing."""
    with pytest.raises(UnreadableError, match="EMPTY_MESSAGE"):
        entry(Message("weir.replies", 0, 3, NOON, b"k", None))


def test_a_reply_whose_id_is_no_uuid_is_unreadable():
    """A reply of another's making is refused by its field, and its id is not repeated."""
    out = outgoing(reply())
    headers = [(name, b"canary-4711" if name == "ce_id" else value) for name, value in out.headers]
    strange = Outgoing(out.key, out.value, headers)
    with pytest.raises(UnreadableError, match=r"INVALID_FIELD \[id\]") as caught:
        entry(Message("weir.replies", 0, 3, NOON, strange.key, strange.value, strange.headers))
    assert "canary" not in str(caught.value)


def test_rows_and_texts_stay_out_of_reprs():
    """What is about to be stored is not shown by accident."""
    assert "EMAIL" not in repr(entry(message(review())))
