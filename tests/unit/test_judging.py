import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from guards.pipeline import Pipeline
from monitors.sampling import Sampler
from schemas.codec import Message, decode
from schemas.dead_letter import read_reason, replay_headers, without_reason
from schemas.ids import derived_id
from schemas.policy import Policy, PolicyBook
from schemas.topics import INTERACTIONS, REQUESTS, Namespace
from schemas.verdict import Verdict
from streams.judging import JudgingStage, Surroundings
from streams.metrics import Metrics
from tests.fixtures.guards import CountingEncoder, SpanGuard, WordGuard

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ARRIVED = datetime(2026, 2, 28, tzinfo=UTC)
CANARY = "cAnArY-7f3a"
POLICY = Policy.model_validate(
    {
        "id": "p",
        "version": 3,
        "apps": ["shop"],
        "max_chars": 500,
        "prompt": {"toxicity": {"block": 0.5}, "pii": {"redact": 0.5}},
        "sampling": {"review": 1.0},
    }
)


def surroundings(**changes):
    given = Surroundings(
        namespace=Namespace("t"),
        policies=PolicyBook([POLICY]),
        sampler=Sampler(b"k", "review"),
        metrics=Metrics(),
        load_pipeline=lambda: Pipeline([WordGuard(), SpanGuard()], CountingEncoder()),
        topic_id=lambda name: f"id-of-{name}",
        clock=lambda: NOW,
    )
    return replace(given, **changes)


@pytest.fixture
def stage():
    stage = JudgingStage("observe", INTERACTIONS, surroundings())
    stage.load()
    return stage


def message(body, headers=(), offset=5):
    value = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    return Message("t.interactions", 1, offset, ARRIVED, b"c-1", value, headers)


def verdict_of(publication):
    out = publication.message
    raw = Message("t.verdicts", 0, 0, NOW, out.key, out.value, out.headers)
    return decode(raw, Verdict, "verdict").record


def test_a_verdict_explains_itself(stage):
    """A verdict names its event, position, policy, versions, sampling and scores, and holds masked text only."""
    (out,) = stage.process([message({"app": "shop", "user": "u", "prompt": "bad Ann", "response": "ok"})])
    verdict = verdict_of(out)
    assert out.topic == "t.verdicts"
    assert out.message.key == b"c-1"
    assert (verdict.app, verdict.user, verdict.stage) == ("shop", "u", "observe")
    assert verdict.judgement.action == "block"
    assert verdict.judgement.prompt.text == "bad <NAME>"
    assert (verdict.position.topic, verdict.position.topic_id) == ("t.interactions", "id-of-t.interactions")
    assert (verdict.position.partition, verdict.position.offset, verdict.position.time) == (1, 5, ARRIVED)
    assert (verdict.policy.id, verdict.policy.version) == ("p", 3)
    assert verdict.versions == {"toxicity": "word@1", "pii": "span@1"}
    assert (verdict.review_probability, verdict.review_sampled) == (1.0, True)
    assert verdict.verdict_id == derived_id("shop", "t.interactions", "t.interactions:1:5", "observe")
    assert verdict.code is None


def test_judging_again_gives_the_same_id(stage):
    """A replayed event has the same verdict id, so that the store keeps one."""
    event = message({"app": "shop", "prompt": "hello"})
    first, again = (verdict_of(stage.process([event])[0]) for _ in range(2))
    assert first.verdict_id == again.verdict_id


def test_requests_are_screened_by_their_own_stage():
    """The screening stage reads requests and says so in its verdicts."""
    stage = JudgingStage("screen", REQUESTS, surroundings())
    stage.load()
    body = {"app": "shop", "messages": [{"role": "user", "content": "bad"}]}
    verdict = verdict_of(stage.process([message(body)])[0])
    assert (verdict.stage, verdict.judgement.action, verdict.judgement.response) == ("screen", "block", None)


def test_an_unknown_app_has_a_verdict(stage):
    """An app that no policy serves gets a verdict with a code, not silence, and its text is in no field."""
    verdict = verdict_of(stage.process([message({"app": "who", "prompt": CANARY})])[0])
    assert (verdict.code, verdict.field, verdict.judgement.action) == ("UNKNOWN_APP", "app", "block")
    assert CANARY not in verdict.model_dump_json()


def test_an_identified_bad_body_has_a_verdict(stage):
    """A bad body with the producer's id is answered by a verdict that names code and field."""
    headers = [("ce_id", b"e-9")]
    verdict = verdict_of(stage.process([message({"app": "shop", "prompt": 5}, headers)])[0])
    assert (verdict.source_event_id, verdict.code, verdict.field) == ("e-9", "WRONG_TYPE", "prompt")


@pytest.mark.parametrize("body", [None, b"", CANARY.encode(), {"app": 5}, {"app": "shop"}])
def test_an_unreadable_message_is_a_dead_letter(stage, body):
    """What cannot be read goes to the dead-letter topic with its original bytes and a reason without user text."""
    original = message(body, [("ce_source", b"s"), ("other", b"\xff"), ("other", b"2")])
    (out,) = stage.process([original])
    assert out.topic == "t.interactions.dlq"
    assert (out.message.key, out.message.value) == (original.key, original.value)
    assert without_reason(out.message.headers) == list(original.headers)
    reason = read_reason(out.message.headers)
    assert (reason.topic, reason.partition, reason.offset, reason.stage) == ("t.interactions", 1, 5, "observe")
    assert reason.code
    assert CANARY not in f"{reason}"


def test_an_unknown_major_version_is_a_dead_letter(stage):
    """A major version from the future is kept for later, even where its id can be read."""
    headers = [("ce_id", b"e"), ("ce_type", b"weir.interaction.v9")]
    (out,) = stage.process([message({"app": "shop", "prompt": "x"}, headers)])
    assert read_reason(out.message.headers).code == "UNSUPPORTED_VERSION"


def test_one_publication_a_message_in_order(stage):
    """Good and bad messages in one batch come out in their order, one for one."""
    bodies = [
        {"app": "shop", "prompt": "one"},
        b"junk",
        {"app": "who", "prompt": "x"},
        {"app": "shop", "prompt": "two"},
    ]
    out = stage.process([message(body, offset=n) for n, body in enumerate(bodies)])
    assert [p.topic.removeprefix("t.") for p in out] == ["verdicts", "interactions.dlq", "verdicts", "verdicts"]
    assert verdict_of(out[3]).judgement.prompt.text == "two"


@pytest.mark.parametrize(("prompt", "code"), [("x" * 600, "TOO_LONG"), ("boom", "GUARD_FAILED")])
def test_a_partial_judgement_says_so(stage, prompt, code):
    """A verdict that does not rest on every guard carries the code that says why."""
    verdict = verdict_of(stage.process([message({"app": "shop", "prompt": prompt})])[0])
    assert (verdict.code, verdict.judgement.action) == (code, "block")


def test_giving_up_is_a_dead_letter_without_the_reason_of_a_library(stage):
    """An exception's text may hold user text, so only its type is passed on."""
    out = stage.give_up(message({"app": "shop", "prompt": CANARY}), ValueError(CANARY))
    reason = read_reason(out.message.headers)
    assert (reason.code, reason.message) == ("PROCESSING_FAILED", "observe could not process it: ValueError")


def test_metrics_count_every_end(stage):
    """Every message ends in one count, by action or by code."""
    stage.process(
        [message({"app": "shop", "prompt": "bad"}), message(b"junk"), message({"app": "shop", "prompt": "ok"})]
    )
    value = stage._given.metrics.registry.get_sample_value
    assert value("weir_events_total", {"stage": "observe", "action": "block"}) == 1
    assert value("weir_events_total", {"stage": "observe", "action": "allow"}) == 1
    assert value("weir_dead_letters_total", {"stage": "observe", "code": "MALFORMED_JSON"}) == 1


def test_replay_keeps_the_first_position(stage):
    """A dead letter that is replayed loses its reason, keeps its first position and counts its replays."""
    (out,) = stage.process([message(b"junk")])
    once = replay_headers(out.message.headers)
    assert dict(once)["weir_origin"] == b"t.interactions:1:5"
    assert read_reason(once).replays == 1
    (again,) = stage.process([Message("t.interactions", 0, 77, NOW, b"c-1", b"junk", once)])
    twice = replay_headers(again.message.headers)
    assert dict(twice)["weir_origin"] == b"t.interactions:1:5"
    assert read_reason(twice).replays == 2
