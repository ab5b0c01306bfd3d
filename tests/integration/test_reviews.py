"""Reviews from the topic to a person and back: the real broker, the real engine, the writer and settle."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from typer import BadParameter

from schemas.codec import decode
from schemas.errors import Code, ConfigError, WeirError
from schemas.review import Decision
from schemas.topics import DECISIONS, WORK_INTERACTIVE
from schemas.verdict import Judgement
from schemas.work import Work
from streams.kafka.topic_admin import create_topics
from streams.reviews.deciding import Aftermath, decide, decision_on
from streams.reviews.stored import find_review, open_reviews
from tests.fixtures.served_rows import outgoing, review
from tests.fixtures.settle_scene import SOURCE, held, review_id
from tests.fixtures.settle_side import Installation
from tests.fixtures.store_rows import finding, side
from tests.fixtures.store_side import send, writing
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.store]
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def installation(settings):
    made = Installation(settings)
    yield made
    made.close()


def opened(event_id, side_name="prompt", minutes=0, **changes):
    """A review of a request that `settle_scene` holds, opened so many minutes ago."""
    fields = {"review_id": review_id(event_id, side_name), "source": SOURCE}
    at = NOW - timedelta(minutes=minutes)
    return review(event_id, side_name, **{**fields, "opened_at": at, "expires_at": at + timedelta(hours=1), **changes})


def publish(settings, *records):
    send(settings, f"{settings.namespace}.reviews", map(outgoing, records))


@contextmanager
def serving(installation, *held_requests):
    """The writer and settle, with these requests (id, side) held and their reviews in the store, open."""
    with installation.settling(), writing(installation.settings):
        for event_id, side_name in held_requests:
            message = installation.request(event_id)
            installation.outcome(message, event_id, held(message, event_id, side_name))
            publish(installation.settings, opened(event_id, side_name))
        yield


def seen(store, event_id, side_name="prompt"):
    """The review, once the store has it with the state of its request."""

    def known():
        found = [each for each in open_reviews(store) if each.review_id == review_id(event_id, side_name)]
        return found and found[0].state == "held"

    eventually(known)
    return find_review(store, str(review_id(event_id, side_name)))


def test_the_queue(settings, store):
    """Open reviews come oldest first, whole and masked, with the worst finding of each."""
    findings = (finding(), finding(guard="toxicity", label="insult", kind="score", score=0.9, action="hold"),
                finding(guard="injection", label="injection", kind="error", score=None, action="flag"))  # fmt: skip
    context = (side("one"), side("two <SECRET>"))
    judgement = Judgement(
        action="hold", prompt=side("Mail <EMAIL_ADDRESS> \ud800", action="hold", findings=findings), context=context
    )
    create_topics(settings)
    with writing(settings):
        publish(settings, opened("young", minutes=1), opened("old", minutes=50, judgement=judgement))
        eventually(lambda: len(open_reviews(store)) == 2)
    old, young = open_reviews(store)
    assert (old.request_id, young.request_id) == ("old", "young")
    assert old.remaining(NOW) == timedelta(minutes=10)
    assert [(p.side, p.index, p.text) for p in old.passages] == [
        ("prompt", 0, "Mail <EMAIL_ADDRESS> \ufffd"), ("context", 0, "one"), ("context", 1, "two <SECRET>"),
    ]  # fmt: skip
    assert old.held_text == "Mail <EMAIL_ADDRESS> \ufffd"
    assert (old.worst.guard, old.worst.label) == ("toxicity", "insult")
    assert [found.score is None for found in old.findings] == [False, False, True]
    assert json.loads(json.dumps(old.to_json()))["passages"][0]["side"] == "prompt"
    assert open_reviews(store, most=1) == (old,)


def test_ids_by_their_beginning(settings, store):
    """As much of an id as tells it apart will do; none, several and nonsense are named."""
    with writing(settings):
        publish(settings, *(opened(str(number)) for number in range(20)))
        eventually(lambda: len(open_reviews(store)) == 20)
    ids = [str(review_id(str(number))) for number in range(20)]
    assert str(find_review(store, ids[0].upper()).review_id) == ids[0]
    alone = next(each for each in ids if sum(other[:6] == each[:6] for other in ids) == 1)
    assert str(find_review(store, alone[:6]).review_id) == alone
    shared = next(each for each in ids if sum(other[0] == each[0] for other in ids) > 1)
    with pytest.raises(ConfigError, match="more than one.*" + shared[0]):
        find_review(store, shared[0])
    for start in ("ffffffff-ffff", "", "%", "' OR 1=1", "\ud800"):
        with pytest.raises(ConfigError):
            find_review(store, start)


def test_decisions_take_effect(installation, store):
    """A held prompt goes on to the model in the reviewer's words, a held response out or not; then they are closed."""
    settings = installation.settings
    with serving(installation, ("p", "prompt"), ("r", "response"), ("no", "response")):
        prompt, response, refused = seen(store, "p"), seen(store, "r", "response"), seen(store, "no", "response")
        reworded = decision_on(prompt, "edit", "ann", text="harmless", reason="kinder")
        assert decide(settings, prompt, reworded, 120) == Aftermath("open")
        released = decision_on(response, "release", "ann")
        assert decide(settings, response, released, 120) == Aftermath("settled", "delivered")
        no = decision_on(refused, "refuse", "bob")
        assert decide(settings, refused, no, 120) == Aftermath("settled", "withheld", Code.REFUSED_BY_REVIEWER)
        with pytest.raises(WeirError, match="nothing is held") as caught:  # as it was before: somebody was quicker
            decide(settings, response, released, 120)
        assert caught.value.code == Code.NOT_HELD
        eventually(lambda: not open_reviews(store))
    with pytest.raises(WeirError, match="settled withheld REFUSED_BY_REVIEWER") as caught:
        decision_on(find_review(store, str(refused.review_id)), "release", "ann")
    assert caught.value.code == Code.NOT_HELD
    (work,) = installation.read(WORK_INTERACTIVE, lambda messages: messages)
    assert Work.model_validate_json(work.value).request.messages[-1].content == "harmless"
    sent = [decode(each, Decision, "decision") for each in installation.read(DECISIONS, lambda found: len(found) == 4)]
    assert {(each.record.decided_by, each.envelope.source) for each in sent[:3]} == {
        ("ann", "weir-review"), ("bob", "weir-review"),
    }  # fmt: skip
    assert sent[0].record.reason == "kinder"
    assert sent[0].conversation == str(prompt.review_id)


def test_nobody_settles(settings, store):
    """Without settle the decision is delivered all the same, and nothing is claimed of its effect."""
    with writing(settings):
        publish(settings, opened("e"))
        eventually(lambda: open_reviews(store))
    (found,) = open_reviews(store)
    assert decide(settings, found, decision_on(found, "release", "ann"), patience=0.3) is None


def test_the_command_line(installation, store, weir_review):
    """List, show, edit from standard input and refuse, as a reviewer types them."""
    assert weir_review("list") == "nothing waits for a person\n"
    with serving(installation, ("e1", "prompt"), ("e2", "prompt")):
        first = str(seen(store, "e1").review_id)
        listed = weir_review("list")
        assert first[:8] in listed
        assert "<EMAIL_ADDRESS>" in listed
        assert [json.loads(line)["side"] for line in weir_review("list", "--json").splitlines()] == ["prompt", "prompt"]
        shown = weir_review("show", first[:8])
        assert all(each in shown for each in (first, "<EMAIL_ADDRESS>", "pii EMAIL_ADDRESS 0.99", "e1 from shop"))
        assert json.loads(weir_review("show", first, "--json"))["review_id"] == first
        with pytest.raises(BadParameter, match="UTF-8"):
            weir_review("edit", first, "--text", "-", stdin=b"\xff")
        assert "on its way to the model" in weir_review("edit", first, "--text", "-", stdin="مرحبا\n".encode())
        second = str(seen(store, "e2").review_id)
        assert "withheld REFUSED_BY_REVIEWER" in weir_review("refuse", second, "--by", "ann")
        with pytest.raises(WeirError, match="NOT_HELD"):
            weir_review("release", second)
    with pytest.raises(ConfigError, match="no review"):
        weir_review("show", "ffffffff")
    (work,) = installation.read(WORK_INTERACTIVE, lambda messages: messages)
    assert Work.model_validate_json(work.value).request.messages[-1].content == "مرحبا"
