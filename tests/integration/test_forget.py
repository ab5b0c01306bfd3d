"""Forgetting a subject on the real broker and the real engine: nothing brings it back."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from schemas.codec import Message, Outgoing, encode
from schemas.dead_letter import reason_headers
from schemas.envelope import Envelope, event_type
from schemas.errors import Code, UnreadableError
from schemas.reply import Reply, Settlement
from schemas.topics import INTERACTIONS, REPLIES, SETTLED
from schemas.verdict import Position
from streams.dead_letters.letters import Filters
from streams.dead_letters.replay import ReplayOptions, replay_dead_letters
from streams.erasure.forgetting import Wanted, forget, raw_until
from streams.erasure.live import LiveErasures
from streams.kafka.admin import KafkaAdmin
from tests.fixtures.store_rows import verdict
from tests.fixtures.store_side import count, publish, send, writing
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.store]

TABLES = ("verdicts", "replies", "reply_log", "settlements", "reviews", "feedback", "labels", "ledger", "dead_letters")
PAST = datetime.now(UTC) - timedelta(minutes=5)
EVENTS = {"e0": ("ann", "c1"), "e1": ("ann", "c2"), "e2": ("bob", "c3"), "e3": (None, "c4")}


def position(offset, time=PAST):
    return Position(topic="weir.requests", topic_id="inputs", partition=0, offset=offset, time=time)


def put(settings, topic, record, key):
    envelope = Envelope(id=str(uuid4()), source="test", type=event_type(topic.type_name), time=PAST)
    send(settings, settings.topics.of(topic), [encode(record, envelope, key)])


def fill(settings):
    """Verdicts, replies and settlements of three subjects."""
    changes = [dict(zip(("user", "conversation_id"), whose, strict=True)) for whose in EVENTS.values()]
    pairs = enumerate(zip(EVENTS, changes, strict=True))
    publish(settings, [verdict(event, n, position=position(n), **change) for n, (event, change) in pairs])
    for number, (event, (_, conversation)) in enumerate(EVENTS.items()):
        asked = {"request_id": event, "request_source": "test", "app": "shop", "conversation": conversation}
        reply = Reply(
            **asked, status="delivered", final=True, answered_by="judge", action="allow", position=position(number)
        )
        put(settings, REPLIES, reply, conversation)
        settled = {"positions": (position(number),), "reply_id": uuid4(), "settled_at": PAST, "status": "delivered"}
        put(settings, SETTLED, Settlement(**asked, state="settled", **settled), event)


def text(store):
    """All that the store holds, as text."""
    return {table: json.dumps(store.select(f"SELECT * FROM {table}"), default=str) for table in TABLES}


def stored(store):
    """Whether all that was sent is there."""
    return all(count(store, table) >= 4 for table in ("v_ledger", "reply_log", "v_settlements"))


def rewind(settings, store):
    """As if nothing had ever been read or stored."""
    with KafkaAdmin(settings) as admin:
        admin._ask("delete_groups", [f"{settings.namespace}.store"])
    for table in TABLES:
        store.command(f"TRUNCATE TABLE {table}")


def test_a_user_is_gone_and_does_not_come_back(settings, store):
    """Rows are destroyed, others' stay; everything read again from offset 0 brings no row; what is new is kept."""
    fill(settings)
    with writing(settings):
        eventually(lambda: stored(store))
    receipt = forget(settings, Wanted("shop", "ann", None), "operator", sleep=lambda _: None)
    assert (receipt.rows["verdicts"], receipt.rows["replies"], receipt.rows["settlements"]) == (2, 2, 2)
    for again in (False, True):
        if again:
            rewind(settings, store)
            with LiveErasures(settings) as forgets, writing(settings, forgets=forgets):
                eventually(lambda: stored(store))
        found = text(store)
        names = ('"ann"', '"e0"', '"e1"', '"c1"', '"c2"')
        assert not [table for table, rows in found.items() for word in names if word in rows]
        assert count(store, "v_verdicts") == 2
        assert all(word in found["verdicts"] for word in ("bob", "e2", "e3"))
        assert count(store, "v_ledger") == count(store, "v_settlements") == 4
    publish(settings, [verdict("e9", 9, position=position(9, datetime.now(UTC)), user="ann")])
    with LiveErasures(settings) as forgets, writing(settings, forgets=forgets):
        eventually(lambda: count(store, "v_verdicts") == 3)


def test_a_conversation_is_gone(settings, store):
    """One of nobody in particular: its rows alone; a second time finds nothing."""
    fill(settings)
    with writing(settings):
        eventually(lambda: stored(store))
    wanted = Wanted("shop", None, "c4")
    first = forget(settings, wanted, "operator", sleep=lambda _: None)
    second = forget(settings, wanted, "operator", sleep=lambda _: None)
    assert dict(first.rows) == {"verdicts": 1, "replies": 1, "settlements": 1}
    assert dict(second.rows) == {}
    assert not [table for table, rows in text(store).items() if '"c4"' in rows]
    assert count(store, "v_verdicts") == 3


def test_dead_letters_of_a_forgotten_subject_are_not_replayed(settings):
    """Neither by user nor by conversation or key, as far as the body can be read; others' are."""
    for number, (key, body) in enumerate(
        [
            (b"k", b'{"app": "shop", "user": "ann", "prompt": 5}'),
            (b"c4", b'{"app": "shop", "prompt": 5}'),
            (b"k", b'{"app": "shop", "user": "bob", "prompt": 5}'),
        ]
    ):
        lost = Message(settings.topics.of(INTERACTIONS), 0, number, PAST, key, body, [])
        headers = reason_headers(lost, "observe", UnreadableError("no", code=Code.WRONG_TYPE, field="prompt"))
        send(settings, f"{lost.topic}.dlq", [Outgoing(key, body, headers)])
    for wanted in (Wanted("shop", "ann", None), Wanted("shop", None, "c4")):
        forget(settings, wanted, "operator", sleep=lambda _: None)
    done = replay_dead_letters(settings, Filters(), ReplayOptions(dry_run=True))
    assert (dict(done.sent), dict(done.skipped)) == ({settings.topics.of(INTERACTIONS): 1}, {"forgotten": 2})


def test_the_receipt_names_the_day_on_which_raw_messages_end():
    """The longest retention of a raw topic, its dead letters', and a segment more."""
    assert raw_until(datetime(2026, 11, 27, 12, tzinfo=UTC)).isoformat() == "2026-12-13"
