"""The ledger of the served path: requests, completions and replies, between a real broker and the real engine."""

import json

import pytest
from kafka import OffsetAndMetadata, TopicPartition
from typer.testing import CliRunner

from schemas.codec import Message, Outgoing
from schemas.dead_letter import reason_headers
from schemas.errors import UnreadableError
from schemas.ids import derived_id
from schemas.review import Cancel
from schemas.topics import CANCELS, COMPLETIONS, REPLIES, REQUESTS, SETTLED
from schemas.verdict import Position
from streams.cli import app
from streams.kafka.admin import KafkaAdmin
from streams.kafka.topic_admin import lag
from streams.settings import child_environment
from streams.store.audit import audit
from tests.fixtures.served_rows import at, final_id, forgotten, held_reply, reply, settlement, transact
from tests.fixtures.settle_scene import SOURCE, body, envelope, held, outcome_of
from tests.fixtures.settle_side import Installation
from tests.fixtures.store_rows import NOON, verdict
from tests.fixtures.store_side import count, publish, send, writing
from tests.fixtures.waiting import eventually
from tests.integration.test_audit import commit, figures, holds, take_in
from tests.integration.test_policy_retention import BY_POLICY

pytestmark = [pytest.mark.kafka, pytest.mark.store]


class Path:
    """Eight requests in one partition, and what the stages make of them."""

    def __init__(self, settings, store):
        self.settings, self._store = settings, store
        self.requests = settings.topics.of(REQUESTS)
        take_in(settings, self.requests, 8)
        self.topic_id = self._id(self.requests)

    def at(self, offset):
        return at(offset, self.requests, self.topic_id)

    def judge(self, *offsets, stage="screen", topic=REQUESTS, **changes):
        """Verdicts of a stage, each under its own id."""
        name = self.settings.topics.of(topic)
        where = {"topic": name, "topic_id": self._id(name), "partition": 0, "time": NOON}
        publish(
            self.settings,
            [
                verdict(
                    f"e{n}",
                    verdict_id=derived_id("shop", "test", f"e{n}", stage),
                    stage=stage,
                    position=Position(offset=n, **where),
                    **changes,
                )
                for n in offsets
            ],
        )

    def settle(self, *offsets, **changes):
        """Final replies and states, each pair in one transaction."""
        pairs = [(f"e{n}", self.at(n)) for n in offsets]
        transact(self.settings, *([reply(name, place), settlement(name, place, **changes)] for name, place in pairs))

    def record(self, *offsets, state):
        transact(self.settings, [settlement(f"e{n}", self.at(n), state=state) for n in offsets])

    def done(self, screen=8, settle=8):
        """How far the stages say that they are."""
        for group, offset in (("worker", screen), ("settle", settle)):
            if offset:
                commit(self.settings, self.requests, offset, group)

    def store(self, **views):
        """Store all that is there, and stop."""

        def stored():
            return all(count(self._store, view) == rows for view, rows in views.items()) and self.caught_up()

        with writing(self.settings):
            eventually(stored)

    def let_go(self):
        """What the engine does once every row is older than its policy lets it be."""
        for table in BY_POLICY:
            self._store.command(f"TRUNCATE TABLE {table}")
        nobody = "conversation_id = '', source = '', source_event_id = ''"
        self._store.command(f"ALTER TABLE settlements UPDATE {nobody} WHERE true SETTINGS mutations_sync = 2")

    def caught_up(self):
        """Whether the writer has committed everything but the markers behind it."""
        return all(each.behind <= 1 for each in lag(self.settings) if each.group.endswith(".store"))

    def _id(self, topic):
        with KafkaAdmin(self.settings) as admin:
            return admin.describe([topic])[topic].topic_id


@pytest.fixture
def path(settings, store):
    return Path(settings, store)


def test_every_way_to_end_is_accounted_for(settings, store, path):
    """Settled, in conflict, dead at screen, open and held: at each stage they add up, and nothing is missing.

    It stays so when a policy's days are over, and what goes by them is gone.
    """
    path.judge(0, 1, 2, 3, 4, 6, 7)
    lost = Message(path.requests, 0, 5, NOON, None, b"", [])
    headers = reason_headers(lost, "screen", UnreadableError("not JSON"))
    send(settings, f"{path.requests}.dlq", [Outgoing(None, b"x", headers)])
    path.record(0, 1, 2, 3, 4, state="open")
    path.settle(0, 1, 2)
    transact(settings, [held_reply("e3", path.at(3)), settlement("e3", path.at(3), state="held")])
    path.judge(6, stage="settle", code="ID_CONFLICT")
    path.settle(7)
    path.done()
    path.store(v_settlements=6, v_reply_log=5, v_ledger=9)
    result = audit(settings)
    assert figures(result, "screen") == (8, 7, 1, 0, 0)
    assert figures(result, "settle") == (8, 5, 1, 2, 0)
    assert [(each.stage, each.held) for each in result.totals if each.held] == [("settle", 1)]
    assert result.complete
    path.let_go()
    assert (count(store, "verdicts"), count(store, "replies")) == (0, 0)
    assert audit(settings) == result


def test_what_a_stage_lost_is_named_at_that_stage(settings, path, monkeypatch):
    """What settle never took down and what judge never judged are missing there, in a row of their own."""
    completions = settings.topics.of(COMPLETIONS)
    take_in(settings, completions, 3)
    path.judge(*range(8))
    path.judge(0, 2, stage="judge", topic=COMPLETIONS)
    path.settle(0, 1, 2, 5, 6, 7)
    path.done()
    commit(settings, completions, 3)
    path.store(v_settlements=6, v_ledger=10)
    eventually(lambda: figures(audit(settings), "settle") == (8, 6, 0, 0, 2))  # once what was committed can be read
    result = audit(settings)
    assert figures(result, "screen") == (8, 8, 0, 0, 0)
    assert figures(result, "judge") == (3, 2, 0, 0, 1)
    assert [(gap.topic, gap.stage, gap.first, gap.last) for gap in result.missing] == [
        (path.requests, "settle", 3, 4),
        (completions, "judge", 1, 1),
    ]
    assert not result.complete
    check_command(settings, path.requests, completions, monkeypatch)


def check_command(settings, requests, completions, monkeypatch):
    """The table fits into 100 columns; the JSON has every hour; the exit status tells scripts."""
    changes = {name: getattr(settings, name) for name in ("kafka_bootstrap", "namespace", "clickhouse_url", "database")}
    for name, value in child_environment(**changes).items():
        monkeypatch.setenv(name, value)
    shown = CliRunner().invoke(app, ["audit"])
    assert shown.exit_code == 1
    rows = [line.split() for line in shown.output.splitlines()]
    assert [requests, "settle", "8", "6", "0", "0", "0", "2"] in rows
    assert f"missing at settle: {requests}:0 offsets 3 to 4" in shown.output
    assert f"missing at judge: {completions}:0 offset 1" in shown.output
    assert max(len(line.rstrip()) for line in shown.output.splitlines()) <= 100
    told = json.loads(CliRunner().invoke(app, ["audit", "--json"]).output)
    assert [each["stage"] for each in told["totals"]] == ["screen", "settle", "judge", "observe", "collect"]
    assert sum(each["missing"] for each in told["hours"]) == 3
    assert told["replies"]["unanswered"] == 0


def test_only_what_screen_and_settle_are_done_with_can_be_missing(settings, path):
    """Settle passes over what nobody can read, and screen makes that a dead letter, perhaps much later."""
    path.judge(0, 1)
    path.settle(0, 1, 2, 3, 4, 5, 6)
    path.store(v_settlements=7, v_ledger=2)
    found = []
    for screen, settle in ((None, None), (None, 8), (2, 8), (8, 8)):
        path.done(screen, settle)
        found.append(figures(audit(settings), "settle"))
    assert found == [(8, 7, 0, 1, 0)] * 3 + [(8, 7, 0, 0, 1)]


def test_an_open_transaction_hides_nothing(settings, path):
    """What settle has committed is not missing while a transaction still keeps its records from being read."""
    from confluent_kafka import Producer  # noqa: PLC0415 - for this test's open transaction

    path.judge(*range(8))
    path.store(v_ledger=8)
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "transactional.id": f"{settings.namespace}.x"})
    producer.init_transactions(60)
    producer.begin_transaction()
    producer.produce(settings.topics.of(SETTLED), b"{}", b"k")
    assert producer.flush(60) == 0
    path.done()
    assert figures(audit(settings), "settle") == (8, 0, 0, 8, 0)
    producer.abort_transaction(60)
    topic = settings.topics.of(SETTLED)
    holds(settings, topic, 2)
    eventually(lambda: figures(audit(settings), "settle") == (8, 0, 0, 0, 8))


def test_repeats_are_settled_where_they_stand(settings, path):
    """A request that was sent again is settled at every place, by the one reply; what is forgotten stays settled."""
    path.judge(*range(8))
    transact(settings, [reply("e0", path.at(0)), settlement("e0", *(path.at(n) for n in range(7)))])
    transact(settings, [settlement("e0", path.at(7))])
    transact(settings, [(settings.topics.of(SETTLED), forgotten(settlement("e0")))])
    path.done()
    path.store(v_settlements=8, v_ledger=8)
    result = audit(settings)
    assert figures(result, "settle") == (8, 8, 0, 0, 0)
    assert result.complete


def test_replies_that_are_not_as_promised_are_named(settings, path):
    """Settled without a reply, replied to without being settled, replied to twice: each is counted and named."""
    path.judge(*range(8))
    path.settle(0, 1, 2, 3, 4, 5)
    transact(settings, [settlement("e6", path.at(6))])
    transact(settings, [settlement("e7", path.at(7), state="open"), reply("e7", path.at(7))])
    transact(settings, [reply("e1", path.at(1))])
    path.done()
    path.store(v_settlements=8, v_reply_log=8, v_ledger=8)
    result = audit(settings)
    assert (result.replies.unanswered, result.replies.unsettled, result.replies.repeated) == (1, 1, 1)
    found = {each.fault: (each.topic, each.reply_id) for each in result.replies.examples}
    assert found == {
        "unanswered": (path.requests, final_id("e6")),
        "unsettled": (settings.topics.of(REPLIES), final_id("e7")),
        "repeated": (settings.topics.of(REPLIES), final_id("e1")),
    }
    assert not result.missing
    assert not result.complete
    # Once settle has forgotten a request it may answer it again.
    assert audit(settings.model_copy(update={"settled_hours": 0.0001})).replies.repeated == 0


def screened(settings, topic):
    """Screen says that it is done with all that came in."""
    with KafkaAdmin(settings) as admin:
        spans = admin.spans(admin.describe([topic]).values())
        done = {
            TopicPartition(place.topic, place.partition): OffsetAndMetadata(span.past, "", -1)
            for place, span in spans.items()
        }
        admin._ask("alter_group_offsets", f"{settings.namespace}.worker", done)


def test_what_settle_writes_adds_up(settings, store):
    """Answered, late, cancelled before it came, held, sent again and contradicted: each is where settle left it."""
    made = Installation(settings)
    with made.settling(), writing(settings):
        answered = made.request("answered")
        made.outcome(answered, "answered", outcome_of(answered))
        made.request("late", body(deadline=100))
        made.write(CANCELS, Cancel(request_id="unwanted"), envelope(CANCELS, "x", SOURCE))
        made.request("unwanted")
        waiting = made.request("waiting")
        made.outcome(waiting, "waiting", held(waiting, "waiting", "prompt"))
        made.replies(4)
        made.request("answered")
        made.request("answered", body("other"))
        screened(settings, made.names.of(REQUESTS))
        eventually(lambda: figures(audit(settings), "settle") == (6, 5, 0, 1, 0))
        eventually(lambda: figures(audit(settings), "screen")[4] == 6)  # of which nobody has made verdicts
    made.close()
    result = audit(settings)
    assert result.replies.passed
    assert {gap.stage for gap in result.missing} == {"screen"}
    assert [each.held for each in result.totals] == [0, 1, 0, 0, 0]
    final = store.select("SELECT source_event_id, code FROM v_replies WHERE final ORDER BY source_event_id")
    assert [(row["source_event_id"], row["code"]) for row in final] == [
        ("answered", ""), ("late", "DEADLINE_EXCEEDED"), ("unwanted", "CANCELLED")
    ]  # fmt: skip
