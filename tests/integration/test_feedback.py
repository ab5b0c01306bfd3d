"""Feedback from the client and the gateway to the store, and joined there: a real broker and the real engine."""

import asyncio
import json
import uuid
from datetime import timedelta

import httpx
import pytest

import weir
from schemas.codec import Message
from schemas.feedback import Feedback
from schemas.topics import FEEDBACK, Namespace
from schemas.verdict import Position
from streams.gateway.keys import read_keys
from streams.metrics import Metrics
from streams.store.audit import audit
from streams.store.batches import Limits, plan
from streams.store.deposit import Deposit
from streams.store.shelves import shelves
from streams.store.sql import query
from tests.fixtures.echo_flow import read
from tests.fixtures.opinions import message, opinion
from tests.fixtures.responder import make_topics
from tests.fixtures.served_rows import at, reply
from tests.fixtures.served_rows import message as served_message
from tests.fixtures.store_rows import NOON, side, verdict
from tests.fixtures.store_rows import message as verdict_message
from tests.fixtures.store_side import send
from tests.integration.test_gateway import KEYS, Serving

IDS = {"weir.opinions": "opinions", "weir.verdicts": "verdicts", "weir.replies": "replies"}
JOINED = "SELECT about_id, joined, model, status, labels, is_last FROM v_feedback ORDER BY feedback_id"


@pytest.fixture
def put(store, database_settings):
    """Stores messages as the writer does; the engine takes every block, known or not."""

    class Once:
        inserts = 0

        def insert(self, table, rows, token):
            Once.inserts += 1
            store.insert(table, rows, f"{token}/{Once.inserts}")

    def put(*messages):
        deposit = Deposit(Once(), shelves(database_settings.topics), IDS, _give_up, Metrics())
        for batch in plan(messages, Limits()):
            deposit.store(batch)

    return put


def _give_up(refused):
    raise AssertionError([str(each.error) for each in refused])


@pytest.mark.store
def test_an_opinion_comes_back_as_it_was(store, put):
    """Every column has its value; a rate counts it in the hour in which it came."""
    comment = side("rude, <NAME>", scores={"toxicity": 0.75}, action="redact", language="en")
    put(message(opinion(thumb=None, rating=2, reason="rude", user="u", comment=comment)))
    (row,) = store.select("SELECT * FROM v_feedback")
    assert (row["app"], row["user"], row["thumb"], row["rating"], row["reason"]) == ("shop", "u", "", 2, "rude")
    assert (row["comment"], row["comment_action"], row["comment_language"]) == ("rude, <NAME>", "redact", "en")
    assert row["comment_scores"] == {"toxicity": 0.75}
    assert (row["joined"], row["model"], row["status"]) == ("none", "", "")
    (rate,) = store.select("SELECT events, rated, negative, negative_rate FROM v_feedback_rates")
    assert rate == {"events": 1, "rated": 1, "negative": 1, "negative_rate": 1.0}
    (entry,) = store.select("SELECT topic, stage, outcome, verdict_id FROM v_ledger")
    assert entry == {
        "topic": "weir.feedback",
        "stage": "collect",
        "outcome": "judged",
        "verdict_id": row["feedback_id"],
    }


@pytest.mark.store
def test_whichever_comes_first(store, put):
    """Feedback before its verdict and reply finds them as feedback after them does, also when all comes twice."""
    judged = verdict_message(verdict(model="atlas", position=at(3)), 0)
    answered = served_message(reply(position=at(3)), 0)
    said = message(opinion(), 0)
    expected = [
        {"about_id": "e1", "joined": "both", "model": "atlas", "status": "delivered", "labels": [], "is_last": 1}
    ]
    put(said)
    assert store.select(JOINED)[0]["joined"] == "none"
    put(answered)
    assert store.select(JOINED)[0]["joined"] == "reply"
    put(judged)
    assert store.select(JOINED) == expected
    put(judged, answered, said)
    put(said)
    assert store.select(JOINED) == expected
    store.command("TRUNCATE TABLE feedback")
    put(said)
    assert store.select(JOINED) == expected


@pytest.mark.store
def test_what_does_not_belong_together(store, put):
    """Another app's feedback, another source's and what comes after 30 days is not taken for feedback on the event."""
    put(verdict_message(verdict(model="atlas"), 0))
    late = Position(topic="weir.feedback", topic_id="f", partition=0, offset=3, time=NOON + timedelta(days=31))
    put(
        message(opinion("mine"), 0),
        message(opinion("app", app="other"), 1),
        message(opinion("source", about_source="elsewhere"), 2),
        message(opinion("late", position=late), 3),
    )
    rows = store.select("SELECT source_event_id, joined FROM v_feedback ORDER BY source_event_id")
    assert {row["source_event_id"]: row["joined"] for row in rows} == {
        "mine": "verdict", "app": "none", "source": "none", "late": "late",
    }  # fmt: skip


@pytest.mark.store
def test_the_last_word_counts(store, put):
    """A user who changes their mind is one vote, another user's stays beside it."""
    votes = [("f1", "ann", "negative"), ("f2", "ann", "positive"), ("f3", "bob", "negative")]
    put(
        *(
            message(opinion(name, n, user=user, sentiment=sentiment, position=at(n, "weir.feedback")), n)
            for n, (name, user, sentiment) in enumerate(votes)
        )
    )
    rows = store.select("SELECT source_event_id, is_last FROM v_feedback ORDER BY source_event_id")
    assert [row["is_last"] for row in rows] == [0, 1, 1]
    (rate,) = store.select("SELECT sum(rated) AS rated, sum(negative) AS negative FROM v_feedback_rates")
    assert rate == {"rated": 2, "negative": 1}


@pytest.mark.store
def test_the_series_of_an_app(store, put):
    """The question of the monitor: rated and negative, an hour, of one app, without what was said before."""
    put(message(opinion("f1"), 0), message(opinion("f2", about_id="e2", sentiment="positive"), 1))
    rows = store.select(
        query("feedback_series"), app="shop", since=NOON - timedelta(hours=1), until=NOON + timedelta(1)
    )
    assert [(row["rated"], row["negative"]) for row in rows] == [(2, 1)]


@pytest.fixture
def topics(bootstrap):
    """Topics that an application sees."""
    names = Namespace(f"t{uuid.uuid4().hex[:12]}")
    make_topics(bootstrap, names, partitions=2)
    return names


def sent(bootstrap, names, count):
    """The feedback on the topic, by id, with its key."""
    found = read(bootstrap, names.of(FEEDBACK), 2, count)
    return {
        dict(each.headers())["ce_id"].decode(): (each.key(), Feedback.model_validate_json(each.value()))
        for each in found
    }


@pytest.mark.kafka
def test_from_the_client(bootstrap, topics):
    """What the client passes on is there when it says so, under the id that it returns; both clients do the same."""
    with weir.Client(bootstrap, app="shop", namespace=topics.prefix) as client:
        first = client.feedback(reply(), thumb="down", comment="no")
        again = client.feedback("r-2", rating=4, feedback_id="mine")
        with pytest.raises(weir.UnreadableError, match="reason"):
            client.feedback("r-2", reason="It said")

    async def asynchronously():
        async with weir.AsyncClient(bootstrap, app="shop", namespace=topics.prefix) as client:
            return await client.feedback(interaction_id="i-1", thumb="up")

    third = asyncio.run(asynchronously())
    found = sent(bootstrap, topics, 3)
    assert found.keys() == {first, "mine", third}
    assert again == "mine"
    assert (found[first][0], found[first][1].request_id, found[first][1].comment) == (b"c1", "e1", "no")
    assert (found["mine"][1].app, found["mine"][1].rating) == ("shop", 4)
    assert found[third][1].about == "interaction"


@pytest.mark.kafka
def test_through_the_gateway(bootstrap, topics):
    """Feedback over HTTP is of the key's app, named by the completion's id; faults are told in OpenAI's words."""
    with Serving(bootstrap, topics, read_keys(KEYS, "keys", "keys")) as serving, httpx.Client() as http:
        url, key = f"{serving.url}/feedback", {"Authorization": "Bearer shop-key-0123456789"}
        good = http.post(url, headers=key, json={"id": "chatcmpl-r-9", "thumb": "down", "comment": "no"})
        silent = http.post(url, headers=key, json={"id": "chatcmpl-r-9"})
        other = http.post(url, headers=key, json={"id": "chatcmpl-r-9", "thumb": "up", "app": "default"})
        nobody = http.post(url, json={"id": "chatcmpl-r-9", "thumb": "up"})
    assert (good.status_code, good.json()["object"]) == (202, "feedback")
    assert (silent.status_code, other.status_code, nobody.status_code) == (400, 400, 401)
    assert other.json()["error"]["param"] == "app"
    ((name, (_, said)),) = sent(bootstrap, topics, 1).items()
    assert (name, said.app, said.request_id) == (good.json()["id"], "shop", "r-9")


@pytest.mark.kafka
@pytest.mark.store
def test_the_ledger_counts_feedback(settings):
    """Feedback that nobody has collected yet is in flight, in the audit as everywhere."""
    body = json.dumps({"app": "shop", "request_id": "r", "thumb": "up"}).encode()
    send(settings, settings.topics.of(FEEDBACK), [Message("", 0, 0, NOON, b"c", body)])
    (totals,) = (each for each in audit(settings).totals if each.stage == "collect")
    assert (totals.came_in, totals.in_flight, totals.missing) == (1, 1, 0)
