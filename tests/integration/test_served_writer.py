"""What settle writes in transactions, through the writer into the store: a real broker and the real engine."""

import pytest

from schemas.codec import Outgoing
from schemas.topics import REPLIES, REVIEWS, SETTLED
from streams.kafka.admin import KafkaAdmin
from streams.kafka.topic_admin import lag
from streams.store.client import Store
from tests.fixtures.flaky import Flaky
from tests.fixtures.served_rows import (
    at,
    final_id,
    forgotten,
    held_reply,
    outgoing,
    reply,
    review,
    settlement,
    transact,
)
from tests.fixtures.store_side import count, send, writing
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.store]
VIEWS = ("v_replies", "v_reply_log", "v_settlements", "v_reviews")


def turns(first, past):
    """Turns of settle: requests are opened, some are held, all are settled, some are forgotten."""
    for n in range(first, past):
        name, place = f"e{n}", at(n)
        yield [settlement(name, place, state="open")]
        if n % 4 == 0:
            yield [held_reply(name, place), settlement(name, place, state="held")]
        yield [reply(name, place), settlement(name, place)]


def ended(settings, first, past):
    topic = settings.topics.of(SETTLED)
    return [(topic, forgotten(settlement(f"e{n}"))) for n in range(first, past)]


def check_exactly(store, total):
    """Every request is settled once, with one final reply, the one that its settlement names."""
    (row,) = store.select("SELECT count() AS n, uniqExact(source_event_id) AS ids FROM v_replies WHERE final")
    assert (row["n"], row["ids"]) == (total, total)
    (row,) = store.select(
        "SELECT count() AS n, uniqExact(offset) AS offsets, countIf(state = 'settled') AS settled FROM v_settlements"
    )
    assert (row["n"], row["offsets"], row["settled"]) == (total, total, total)
    (row,) = store.select(
        "SELECT count() AS n FROM v_replies AS r INNER JOIN v_settlements AS s ON s.reply_id = r.reply_id WHERE r.final"
    )
    assert row["n"] == total


def behind(settings):
    """The highest lag of the writer behind a message; the marker of the last transaction is none."""
    return max(each.behind for each in lag(settings) if each.group.endswith(".store"))


def settled(store, total):
    """Whether so many requests are settled and their replies stored, as far as the store says."""
    states = store.select("SELECT count() AS n FROM v_settlements WHERE state = 'settled'")[0]["n"]
    return states == total and store.select("SELECT count() AS n FROM v_reply_log WHERE final")[0]["n"] == total


def test_only_what_was_committed_is_stored(settings, store):
    """Replies of a transaction that was taken back are not there; tombstones become no dead letters."""
    transact(settings, *turns(0, 6))
    transact(settings, [reply("never", at(99)), settlement("never", at(99))], abort=True)
    transact(settings, ended(settings, 0, 3), [reply("e6", at(6)), settlement("e6", at(6))], ended(settings, 3, 5))
    send(settings, settings.topics.of(REVIEWS), [outgoing(review("e4"))])
    with writing(settings):
        eventually(lambda: settled(store, 7) and count(store, "v_reviews") == 1)
        eventually(lambda: behind(settings) <= 1)
    check_exactly(store, 7)
    assert count(store, "v_dead_letters") == 0
    (row,) = store.select("SELECT is_open FROM v_reviews")
    assert row["is_open"] is False


def test_reading_everything_again_changes_nothing(settings, store):
    """Without committed offsets and with the notes and states gone, all is read again and every view is the same."""
    transact(settings, [record for turn in turns(0, 20) for record in turn])
    with writing(settings):
        eventually(lambda: settled(store, 20))
    before = [store.select(f"SELECT * FROM {view} ORDER BY ALL") for view in VIEWS]
    with KafkaAdmin(settings) as admin:
        admin._ask("delete_groups", [f"{settings.namespace}.store"])
    for table in ("settlements", "reply_log"):
        store.command(f"TRUNCATE TABLE {table}")
    with writing(settings, rows=7):
        eventually(lambda: settled(store, 20))
    assert [store.select(f"SELECT * FROM {view} ORDER BY ALL") for view in VIEWS] == before


def test_failures_between_the_inserts_lose_and_double_nothing(settings, store, monkeypatch):
    """Whichever insert fails, before or after it took effect, every request and reply is in the views once."""
    monkeypatch.setattr("streams.store.writer._LONGEST_WAIT_SECONDS", 0.2)
    transact(settings, [record for turn in turns(0, 60) for record in turn])
    flaky = Flaky(Store.of(settings), seed=5)
    with writing(settings, flaky, rows=20):
        eventually(lambda: settled(store, 60))
    assert flaky.failures > 3
    check_exactly(store, 60)


class Dying:
    """A way to the store that ends the writer, at one insert, before or after the rows were stored."""

    def __init__(self, settings, number, *, stored):
        self._store = Store.of(settings)
        self._left = number
        self._stored = stored
        self.dead = False

    def insert(self, table, rows, token):
        self._left -= 1
        if self._left or self._stored:
            self._store.insert(table, rows, token)
        if not self._left:
            self.dead = True
            raise DeathError


class DeathError(Exception):
    """The writer's end, in place of a signal."""


def write_until_dead(settings, sink):
    with writing(settings, sink, rows=15):
        eventually(lambda: sink.dead)


def test_a_writer_that_dies_between_rows_and_commit_loses_and_doubles_nothing(settings, store):
    """Whichever insert is the last, and although nothing after it was committed, the next writer goes on there."""
    transact(settings, [record for turn in turns(0, 40) for record in turn])
    for number in (1, 2, 3):
        with pytest.raises(DeathError):
            write_until_dead(settings, Dying(settings, number, stored=number % 2))
    with writing(settings, rows=15):
        eventually(lambda: settled(store, 40))
    check_exactly(store, 40)


def test_what_cannot_be_read_becomes_a_dead_letter(settings, store):
    """Strange messages among those of settle are given up; all others are stored."""
    for topic in (REPLIES, SETTLED, REVIEWS):
        send(settings, settings.topics.of(topic), [Outgoing(b"k", b"canary-4711", [])])
    transact(settings, [reply(), settlement()])
    with writing(settings):
        eventually(lambda: count(store, "v_dead_letters") == 3 and settled(store, 1))
    rows = store.select("SELECT topic, code, stage FROM v_dead_letters ORDER BY topic")
    names = sorted(settings.topics.of(topic) for topic in (REPLIES, REVIEWS, SETTLED))
    assert [(row["topic"], row["code"], row["stage"]) for row in rows] == [
        (name, "MALFORMED_JSON", "store") for name in names
    ]
    assert [row["reply_id"] for row in store.select("SELECT reply_id FROM v_replies")] == [final_id()]
