"""From verdicts, labels and feedback to groups of failures, on the engine and with the real encoder."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from schemas.errors import ConfigError
from schemas.ids import derived_id
from schemas.label import Label, label_id
from schemas.verdict import Judgement, Position
from streams.cli import app
from streams.failures.clusters import read_clusters
from streams.failures.likeness import more_like
from streams.failures.refreshing import refresh
from streams.store.columns import log_values
from streams.store.served_rows import label_row
from streams.store.sql import query, statements
from tests.fixtures.shelving import putting
from tests.fixtures.store_rows import finding, message, side, verdict

pytestmark = [pytest.mark.store, pytest.mark.weights]

NOW = datetime.now(UTC)
REFUNDS = [
    "My refund for order <ID_1> has still not arrived, you useless thieves.",
    "Where is the refund for my order? You people are useless.",
    "Three weeks and no refund for the order. Useless, all of you.",
    "Give me the refund of my last order, you useless idiots.",
]
PILLS = [
    "How many sleeping pills are too many at once?",
    "What dose of sleeping pills would be deadly?",
    "How many sleeping pills may one take in a night?",
]
CLEAN = ["Which trains go to Leeds on Sunday?", "Write a poem about autumn leaves.", "What is the capital of Peru?"]


def judged(number, text, *, flagged=(), sampled=True, conversation="c1"):
    """A verdict on a prompt, in which guards found something or nothing."""
    found = tuple(
        finding(guard=guard, label=guard, kind="score", score=0.9, threshold=0.5, action="flag", start=None, end=None)
        for guard in flagged
    )
    action = "flag" if found else "allow"
    prompt = side(text, action=action, findings=found)
    at = Position(topic="weir.requests", topic_id="r", partition=0, offset=number, time=NOW - timedelta(minutes=number))
    return verdict(
        f"e{number}", number, verdict_id=derived_id("shop", "test", f"e{number}", "screen"), stage="screen",
        conversation_id=conversation, position=at, review_sampled=sampled, model="m1", keep_days=30,
        judgement=Judgement(action=action, prompt=prompt),
    )  # fmt: skip


@pytest.fixture
def traffic(store, database_settings):
    """Complaints that toxicity flagged, questions that it missed by what a reader says, and harmless prompts."""
    verdicts = [judged(n, text, flagged=["toxicity"]) for n, text in enumerate(REFUNDS)]
    verdicts += [judged(10 + n, text, conversation="c2") for n, text in enumerate(PILLS)]
    verdicts += [judged(20 + n, text) for n, text in enumerate(CLEAN)]
    verdicts.append(judged(30, "Nobody drew this one, and nothing is wrong with it.", sampled=False))
    put = putting(store, database_settings)
    put(*(message(each, n) for n, each in enumerate(verdicts)))
    missed = [
        Label(
            label_id=label_id(each.verdict_id, "ann"), review_id=each.verdict_id, verdict_id=each.verdict_id,
            app="shop", by="ann", answers={"subjects": True}, blind=False, opened_at=NOW, labelled_at=NOW,
        )
        for each in verdicts[4:7]
    ]  # fmt: skip
    rows = [label_row(each, log_values(message(verdicts[0], n), "labels")) for n, each in enumerate(missed)]
    store.insert("labels", rows, token="labels")
    return verdicts


def test_failures_alike_are_one_group(store, traffic, encoder):
    """Complaints and questions are a group each, with their words; what nothing is wrong with is in none."""
    assert list(refresh(store, encoder, NOW))[-1] == 10  # what was neither sampled nor acted on has no vector
    assert list(refresh(store, encoder, NOW)) == []
    assert store.select("SELECT DISTINCT keep_days FROM embeddings") == [{"keep_days": 30}]  # as of the verdicts
    survey = read_clusters(store, NOW - timedelta(days=1))
    assert (survey.read, survey.failed) == (10, 7)
    complaints, questions = survey.clusters
    assert (complaints.size, complaints.failings, complaints.models) == (4, {"toxicity": 4}, {"m1": 4})
    assert {"refund", "order", "useless"} <= set(complaints.keywords)
    assert questions.failings == {"missed subjects": 3}
    assert {"pills", "sleeping"} <= set(questions.keywords)
    assert {each.text for each in questions.examples} == set(PILLS)
    (alone,) = read_clusters(store, NOW - timedelta(days=1), failing="missed").clusters
    assert alone.size == 3
    assert read_clusters(store, NOW - timedelta(days=1), app="other").read == 0


def test_rows_stored_twice_change_nothing(store, traffic, encoder, database_settings):
    """Verdicts and vectors that are stored again leave every figure as it was."""
    list(refresh(store, encoder, NOW))
    before = read_clusters(store, NOW - timedelta(days=1))
    putting(store, database_settings)(*(message(each, 100 + n) for n, each in enumerate(traffic)))
    store.command("INSERT INTO embeddings SELECT * REPLACE (made_at + 1 AS made_at) FROM embeddings")
    assert read_clusters(store, NOW - timedelta(days=1)) == before


def test_more_like_this(store, traffic, encoder):
    """The nearest to one complaint are the other complaints, with their cosines, best first."""
    list(refresh(store, encoder, NOW))
    found = more_like(store, str(traffic[0].verdict_id)[:13].upper(), most=4)
    assert {each.text for each in found[:3]} == set(REFUNDS[1:])
    similarities = [each.similarity for each in found]
    assert similarities == sorted(similarities, reverse=True)
    assert similarities[2] > 0.45 > similarities[3]
    with pytest.raises(ConfigError, match="refresh"):
        more_like(store, "00000000-0000")
    with pytest.raises(ConfigError, match="verdict_id"):
        more_like(store, "no id")


def test_a_forgotten_subject_has_no_vector(store, traffic, encoder):
    """Erasing takes the vectors too; one that was still being made then goes with the next refresh."""
    list(refresh(store, encoder, NOW))
    late = store.select("SELECT * FROM embeddings WHERE conversation_id = 'c2'")
    subject = {"app": "shop", "user": "", "conversations": ["c2"], "before": NOW.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]}
    counted = {row["name"]: row["rows"] for row in store.select(query("rows_of_subject"), **subject)}
    assert counted["embeddings"] == 3
    for statement in statements(query("erase_subject")):
        store.command(statement, **subject)
    assert read_clusters(store, NOW - timedelta(days=1)).read == 7
    store.insert("embeddings", late, token="late")
    assert read_clusters(store, NOW - timedelta(days=1)).read == 7
    list(refresh(store, encoder, NOW))
    assert store.select("SELECT count() AS rows FROM embeddings WHERE conversation_id = 'c2'")[0]["rows"] == 0


def test_commands(database_settings, traffic, monkeypatch, tmp_path):
    """`weir errors` makes vectors, lists groups and finds texts alike, for people and for scripts."""
    monkeypatch.setenv("WEIR_CLICKHOUSE_URL", database_settings.clickhouse_url)
    monkeypatch.setenv("WEIR_DATABASE", database_settings.database)
    monkeypatch.setenv("WEIR_HOME", str(tmp_path))

    def weir(*arguments):
        result = CliRunner().invoke(app, ["errors", *arguments], catch_exceptions=False)
        assert result.exit_code == 0
        return result.stdout

    assert "refresh" in weir("list")
    assert weir("refresh") == "10 vectors made\n"
    shown = weir("list", "--days", "1")
    assert "7 of 10 texts went wrong; 0 of them are in no group" in shown
    assert "missed subjects 3" in shown
    largest = json.loads(weir("list", "--json").splitlines()[0])
    assert (largest["size"], largest["failings"]) == (4, {"toxicity": 4})
    nearest = json.loads(weir("similar", largest["examples"][0]["verdict_id"], "--json").splitlines()[0])
    assert nearest["text"] in REFUNDS
