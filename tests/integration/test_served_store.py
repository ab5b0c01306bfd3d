"""Replies, settlements and reviews: their tables and views, on the real engine."""

from datetime import UTC, timedelta

import pytest

from schemas.codec import Message
from schemas.verdict import PolicyReference
from streams.metrics import Metrics
from streams.settings import Settings
from streams.store.batches import Limits, plan
from streams.store.client import Store
from streams.store.columns import log_values
from streams.store.deposit import Deposit
from streams.store.migrations import migrate, shipped_migrations
from streams.store.positions import read_known
from streams.store.rows import judged_entry, verdict_row
from streams.store.shelves import shelves
from tests.fixtures.served_rows import (
    at,
    final_id,
    forgotten,
    held_reply,
    hold,
    message,
    reply,
    review,
    review_id,
    settlement,
)
from tests.fixtures.shelving import putting
from tests.fixtures.store_rows import NOON, verdict
from tests.fixtures.store_rows import message as verdict_message
from tests.fixtures.store_side import count

pytestmark = pytest.mark.store

IDS = {"weir.replies": "replies", "weir.settled": "settled", "weir.reviews": "reviews"}
TABLES = ("replies", "reply_log", "settlements", "reviews")
VIEWS = tuple(f"v_{table}" for table in TABLES)


@pytest.fixture
def put(store, database_settings):
    """Stores messages as the writer does, as many times as it is called."""
    return putting(store, database_settings)


def test_a_reply_comes_back_as_it_was(store, put):
    """The view has who answered what, and how long it took from the broker's clock to the broker's clock."""
    put(message(reply(position=at(5)), 3, time=NOON + timedelta(seconds=2.5)))
    (row,) = store.select("SELECT * FROM v_replies")
    assert (row["app"], row["stage"], row["action"], row["status"]) == ("shop", "judge", "allow", "delivered")
    assert (row["source"], row["source_event_id"], row["conversation_id"]) == ("test", "e1", "c1")
    assert (row["reply_id"], row["final"], row["code"]) == (final_id(), True, "")
    assert (row["prompt_tokens"], row["completion_tokens"], row["model"]) == (12, 30, "small")
    assert (row["source_offset"], row["latency_seconds"]) == (5, 2.5)
    assert "canary" not in repr(row)


def test_a_reply_of_unknown_origin_has_no_latency(store, put):
    """What is not known distorts no percentile."""
    put(message(reply().model_copy(update={"position": None})))
    assert [row["latency_seconds"] for row in store.select("SELECT latency_seconds FROM v_replies")] == [None]


def test_a_held_reply_hides_no_ending(store, put):
    """A request whose prompt and whose response were held has three rows, one of them final."""
    put(
        message(held_reply(), 0),
        message(held_reply(answered_by="judge"), 1),
        message(reply(answered_by="review"), 2),
    )
    rows = store.select("SELECT stage, status FROM v_replies ORDER BY log_offset")
    assert [(row["stage"], row["status"]) for row in rows] == [
        ("screen", "held"), ("judge", "held"), ("review", "delivered")
    ]  # fmt: skip
    (total,) = store.select("SELECT count() AS n FROM v_replies WHERE final")
    assert total["n"] == 1


def test_the_first_final_reply_counts(store, put):
    """Of two final replies with one id the earlier is shown, whichever was stored first; the log has both."""
    put(message(reply(answered_by="deadline", status="error", code="DEADLINE_EXCEEDED"), 9))
    put(message(reply(), 4))
    assert [row["stage"] for row in store.select("SELECT stage FROM v_replies")] == ["judge"]
    assert count(store, "v_reply_log") == 2


def test_the_last_state_counts(store, put):
    """However records arrive, a request is in the state of the last one, at every place where it stands."""
    put(message(settlement("e1", at(0), at(6)), 5))
    put(message(settlement("e1", at(0), state="held"), 3))
    put(message(settlement("e1", at(0), state="open"), 1))
    rows = store.select("SELECT offset, state, request_id, reply_id FROM v_settlements ORDER BY offset")
    assert [(row["offset"], row["state"], row["request_id"]) for row in rows] == [
        (0, "settled", "e1"), (6, "settled", "e1")
    ]  # fmt: skip
    assert {row["reply_id"] for row in rows} == {final_id()}


STATES = [
    ("nothing is known of the request yet", "prompt", [], True),
    ("settle has not seen the hold yet", "prompt", [{"state": "open"}], True),
    ("the prompt is held", "prompt", [{"state": "open"}, {"state": "held"}], True),
    ("the prompt was released", "prompt", [{"state": "held"}, {"state": "open", "hold": hold()}], False),
    ("the response was not held yet", "response", [{"state": "open", "hold": hold()}], True),
    ("the response is held", "response", [{"state": "held", "hold": hold(side_name="response")}], True),
    ("another side is held", "prompt", [{"state": "held", "hold": hold(side_name="response")}], False),
    ("the request is settled", "response", [{"state": "held", "hold": hold(side_name="response")}, {}], False),
    ("the answer came before the hold", "prompt", [{}], False),
]


@pytest.mark.parametrize(("name", "side_name", "states", "is_open"), STATES, ids=[case[0] for case in STATES])
def test_a_review_is_open_while_its_request_waits_for_it(store, put, name, side_name, states, is_open):
    """A review is open from when it is written to when its hold ends, whatever else becomes of the request."""
    put(message(review(side_name=side_name)))
    put(*(message(settlement(**{"state": "settled", **changes}), n) for n, changes in enumerate(states)))
    put(message(settlement("another", at(7), state="held"), 99))
    rows = store.select("SELECT review_id, is_open, side, state FROM v_reviews")
    assert [(row["review_id"], row["is_open"]) for row in rows] == [(review_id(side_name=side_name), is_open)]


def test_a_review_comes_back_as_it_was(store, put):
    """A person finds the masked text, the findings, and how the request stands."""
    put(message(review()), message(settlement(code="HOLD_EXPIRED", status="withheld")))
    (row,) = store.select("SELECT * FROM v_reviews")
    assert (row["app"], row["stage"], row["side"], row["kind"]) == ("shop", "screen", "prompt", "hold")
    assert (row["prompt_text"], row["findings.label"]) == ("<EMAIL_ADDRESS>", ["EMAIL_ADDRESS"])
    assert row["expires_at"].replace(tzinfo=UTC) - row["opened_at"].replace(tzinfo=UTC) == timedelta(hours=1)
    assert (row["state"], row["status"], row["code"], row["is_open"]) == (
        "settled", "withheld", "HOLD_EXPIRED", False
    )  # fmt: skip
    assert (row["source"], row["source_event_id"], row["policy_id"]) == ("test", "e1", "default")


def served(number):
    """All that is written about so many requests, every third of which was held, with the tombstones of some."""
    for n in range(number):
        name, place, first = f"e{n}", at(n), 10 * n
        yield message(settlement(name, place, state="open"), first)
        if n % 3 == 0:
            yield message(review(name), first)
            yield message(held_reply(name, place), first)
            yield message(settlement(name, place, state="held"), first + 1)
        yield message(reply(name, place), first + 1, time=NOON + timedelta(days=n))
        yield message(settlement(name, place), first + 2, time=NOON + timedelta(days=n))


def figures(store):
    return {view: store.select(f"SELECT * FROM {view} ORDER BY ALL") for view in VIEWS}


def test_everything_stored_twice_changes_no_figure(store, put):
    """Stored again in other pieces, and once more backwards, every view stays as it was, before and after merges."""
    for table in TABLES:
        store.command(f"SYSTEM STOP MERGES {table}")
    everything = list(served(12))
    put(*everything)
    before = figures(store)
    assert [len(before[view]) for view in VIEWS] == [16, 16, 12, 4]
    put(*everything, limits=Limits(rows=5))
    for each in reversed(everything):
        put(each)
    assert count(store, "replies") == 48
    assert figures(store) == before
    for table in TABLES:
        store.command(f"SYSTEM START MERGES {table}")
        store.command(f"OPTIMIZE TABLE {table} FINAL")
    assert figures(store) == before


def test_positions_follow_every_topic(store, put):
    """Where to go on is past the highest offset stored of each topic; what has no row is read again."""
    put(message(reply(), 7), message(settlement(), 5), message(review(), 3))
    put(Message("weir.settled", 0, 9, NOON, forgotten(settlement()).key))
    known = read_known(store)
    assert [known.resume(topic, topic_id, 0, None) for topic, topic_id in IDS.items()] == [8, 6, 4]
    assert known.resume("weir.settled", "settled", 0, 10) == 10


def test_the_store_of_an_earlier_version_is_brought_up_with_its_data(clickhouse_url, database):
    """What was stored before the served path stays as it was, and the new tables take rows beside it."""
    settings = Settings(clickhouse_url=clickhouse_url, database=database)
    earlier = shipped_migrations()[:3]
    migrate(settings, earlier)
    with Store.of(settings) as store:
        where = log_values(verdict_message(verdict(), 4), "ids")
        columns = f"SELECT name FROM system.columns WHERE database = '{database}' AND table = 'verdicts'"
        known = {row["name"] for row in store.select(columns)}
        row = verdict_row(verdict(), where)
        store.insert("verdicts", [{name: value for name, value in row.items() if name in known}], "v")
        store.insert("ledger", [judged_entry(verdict(), where)], "l")
        views = ("v_verdicts", "v_ledger")
        before = [store.select(f"SELECT * FROM {view}") for view in views]
        applied = migrate(settings)
        assert [each.new for each in applied] == [False] * 3 + [True] * (len(applied) - 3)
        after = [store.select(f"SELECT * FROM {view}") for view in views]
        assert [[old.items() <= new.items() for old, new in zip(*rows, strict=True)] for rows in
                zip(before, after, strict=True)] == [[True], [True]]  # fmt: skip
        assert read_known(store).resume("weir.verdicts", "ids", 0, None) == 5
        assert [count(store, view) for view in VIEWS] == [0, 0, 0, 0]


def test_a_row_that_the_table_refuses_costs_no_other(store, database_settings):
    """A number that no column holds makes its record a dead letter; its neighbours are stored."""
    spoilt = reply("e1", at(1), policy=PolicyReference(id="p", version=2**63, hash="0"))
    replies = [reply("e0", at(0)), spoilt, reply("e2", at(2))]
    (batch,) = plan([message(each, n) for n, each in enumerate(replies)], Limits())
    given_up = []
    Deposit(store, shelves(database_settings.topics), IDS, given_up.extend, Metrics()).store(batch)
    assert [each.message.offset for each in given_up] == [1]
    stored = store.select("SELECT source_event_id FROM v_replies ORDER BY source_event_id")
    assert [row["source_event_id"] for row in stored] == ["e0", "e2"]
