"""screen: what becomes of a request before a model sees it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schemas.ids import digest, request_key
from schemas.policy import Retention
from schemas.topics import OUTCOMES, REQUESTS, REVIEWS, VERDICTS, WORK_BULK, WORK_INTERACTIVE
from tests.fixtures.judging import ARRIVED, NOW, arriving, caused, keeper, loaded, policy, surroundings

POLICY = policy(
    prompt={"toxicity": {"flag": 0.5}, "pii": {"redact": 0.5}},
    context={"pii": {"redact": 0.5}},
    hold={"seconds": 60, "on_expiry": "release"},
    replies={"refusal": "No."},
    deadline={"default_seconds": 20},
)
BLOCKING = POLICY.model_copy(update={"prompt": policy(prompt={"toxicity": {"block": 0.5}}).prompt})
HOLDING = POLICY.model_copy(
    update={
        "prompt": policy(prompt={"toxicity": {"hold": 0.5}, "pii": {"redact": 0.5}}).prompt,
        "retention": Retention(days=30),
    }
)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
IDENTITY = [("ce_id", b"e-9"), ("ce_source", b"s"), ("traceparent", TRACE.encode())]


def request(*texts, headers=IDENTITY, **more):
    messages = [{"role": "user", "content": text} for text in texts]
    return arriving(REQUESTS, {"app": "shop", "user": "u", "messages": messages, **more}, headers)


def screened(message, *policies, **changes):
    return caused(loaded("screen", surroundings(*(policies or (POLICY,)), **changes)), message)


def texts_of(work):
    return [message.content for message in work.request.messages]


@pytest.mark.parametrize("text", ["fine", "bad"])
def test_what_is_allowed_or_flagged_becomes_work_as_it_is(text):
    """The request goes on unchanged, with all that later stages need, under its own id and key."""
    message = request(text, "twice", conversation="c-7", model="m", parameters={"seed": 1})
    out = screened(message)
    event = out.event(WORK_INTERACTIVE)
    work = event.record
    assert out.topics == ["verdicts", "work.interactive"]
    assert (event.envelope.id, event.envelope.source, event.envelope.type) == ("e-9", "s", "weir.work.v1")
    assert event.envelope.traceparent == TRACE
    assert out.publications[1].message.key == b"c-7"
    assert (texts_of(work), work.conversation, work.digest) == ([text, "twice"], "c-7", digest(message.value))
    assert (work.request.model, work.request.parameters.seed, work.placeholders) == ("m", 1, None)
    assert (work.position.topic, work.position.topic_id) == ("t.requests", "id-of-t.requests")
    assert (work.position.partition, work.position.offset, work.position.time) == (1, 5, ARRIVED)
    assert work.deadline == ARRIVED + timedelta(seconds=20)
    assert work.policy == POLICY.reference


def test_bulk_requests_take_their_own_way():
    """What is in no hurry never stands before what is."""
    assert screened(request("fine", priority="bulk")).topics == ["verdicts", WORK_BULK.name]


TRIED = POLICY.model_copy(update={"serving": policy(serving={"shadow": {"model": "m-s", "share": 1}}).serving})


def test_a_model_on_trial_has_a_copy_in_the_bulk_lane():
    """It is asked the same, redacted as well; it streams to nobody, and has nothing to put back."""
    out = screened(request("I am Ann", parameters={"stream": True, "seed": 7}), TRIED, keeper=keeper())
    assert out.topics[:3] == ["verdicts", "work.interactive", "work.bulk"]
    event, own = out.event(WORK_BULK), out.record(WORK_INTERACTIVE)
    assert (event.envelope.id, event.envelope.source, event.conversation) == ("e-9", "s", "c-1")
    copy = event.record
    assert (copy.plan.models, copy.plan.shadow, copy.placeholders) == (("m-s",), "m-s", None)
    assert texts_of(copy) == texts_of(own) == ["I am <NAME_1>"]
    assert (copy.request.parameters.stream, copy.request.parameters.seed, copy.deadline) == (None, 7, own.deadline)
    assert (own.plan, own.request.parameters.stream) == (None, True)


def test_what_meets_no_model_has_no_copy():
    """A prompt that is refused, or waits for a person, reaches no model on trial either."""
    for rules in (BLOCKING, HOLDING):
        tried = rules.model_copy(update={"serving": TRIED.serving})
        assert "work.bulk" not in screened(request("bad"), tried).topics


def test_what_is_redacted_the_model_never_sees():
    """Values are placeholders in every message and passage, the same value the same one; the vault has the map."""
    vault = keeper()
    out = screened(request("I am Ann", "👋🏽 Ann?", context=["of Ann"]), keeper=vault)
    work = out.record(WORK_INTERACTIVE)
    assert texts_of(work) == ["I am <NAME_1>", "👋🏽 <NAME_1>?"]
    assert work.request.context == ("of <NAME_1>",)
    assert vault.open(work.placeholders, request_key("s", "e-9")) == {"<NAME_1>": "Ann"}
    assert out.topics == ["verdicts", "work.interactive", "vault", "vault"]


@pytest.mark.parametrize(
    ("changes", "vault"), [({}, None), ({"replies": {"restore": False}}, keeper())], ids=["no vault", "not wanted"]
)
def test_without_a_way_back_the_model_sees_no_more(changes, vault):
    """Where nothing is to be restored, or nothing can be, values are replaced all the same."""
    work = screened(request("I am Ann"), policy(prompt={"pii": {"redact": 0.5}}, **changes), keeper=vault).record(
        WORK_INTERACTIVE
    )
    assert (texts_of(work), work.placeholders) == (["I am <NAME_1>"], None)


def test_what_is_blocked_is_refused_in_the_words_of_the_policy():
    """There is no work; the outcome names the request, the policy and the code, and holds nothing of the text."""
    message = request("bad Ann")
    out = screened(message, BLOCKING, keeper=keeper())
    event = out.event(OUTCOMES)
    outcome = event.record
    assert out.topics == ["verdicts", "outcomes", "vault", "vault"]
    assert (event.envelope.id, event.envelope.source, event.envelope.type) == ("e-9", "s", "weir.outcome.v1")
    assert (outcome.status, outcome.code, outcome.message, outcome.action) == ("withheld", "BLOCKED", "No.", "block")
    assert (outcome.app, outcome.user, outcome.conversation, outcome.stage) == ("shop", "u", "c-1", "screen")
    assert (outcome.position.offset, outcome.digest) == (5, digest(message.value))
    assert (outcome.policy, outcome.text, outcome.work) == (BLOCKING.reference, None, None)
    assert all(b"Ann" not in publication.message.value for publication in out.publications)


def test_what_is_held_waits_with_its_work():
    """People are asked with a masked text; the outcome has the terms of the hold and the redacted work."""
    out = screened(request("bad Ann"), HOLDING, keeper=keeper())
    outcome, review = out.record(OUTCOMES), out.record(REVIEWS)
    assert out.topics == ["verdicts", "outcomes", "reviews", "vault", "vault"]
    assert (outcome.status, outcome.code, outcome.action) == ("held", None, "hold")
    assert (outcome.hold.side, outcome.hold.seconds, outcome.hold.on_expiry) == ("prompt", 60, "release")
    assert texts_of(outcome.work) == ["bad <NAME_1>"]
    assert review.review_id == outcome.hold.review_id
    assert out.all(REVIEWS)[0].message.key == str(review.review_id).encode()
    assert (review.source, review.source_event_id, review.stage, review.side) == ("s", "e-9", "screen", "prompt")
    assert (review.opened_at, review.expires_at) == (NOW, NOW + timedelta(seconds=60))
    assert review.keep_days == 30
    assert (review.judgement.prompt.text, review.policy) == ("bad <NAME>", HOLDING.reference)
    assert all(b"Ann" not in publication.message.value for publication in out.publications)


def test_what_is_held_is_kept_even_if_nothing_is_masked():
    """A reviewer may ask for the raw text of everything that waits."""
    assert screened(request("bad"), HOLDING, keeper=keeper()).topics[-2:] == ["vault", "vault"]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"{", "MALFORMED_JSON", "value: not JSON at line 1, column 2"),
        (b'{"app": "shop", "messages": 5}', "WRONG_TYPE", "messages: Input should be a list"),
        (b'{"app": "shop"}', "MISSING_FIELD", "messages: Field required"),
    ],
)
def test_an_identified_request_that_cannot_be_read_is_answered(body, code, message):
    """The outcome has the code and names the field; app and policy are unknown."""
    out = screened(arriving(REQUESTS, body, IDENTITY))
    outcome, verdict = out.record(OUTCOMES), out.record(VERDICTS)
    assert (outcome.status, outcome.code, outcome.message, outcome.app) == ("error", code, message, "unknown")
    assert (outcome.position.offset, outcome.digest, outcome.policy) == (5, digest(body), None)
    assert (outcome.action, outcome.action) == (verdict.judgement.action, "block")
    assert (verdict.code, verdict.conversation_id, outcome.conversation) == (code, "c-1", "c-1")


def test_an_app_without_a_policy_is_answered():
    """Nobody waits for a deadline because of an app that is not known here."""
    out = screened(request("Ann"), policy(apps=["other"]), keeper=keeper())
    outcome = out.record(OUTCOMES)
    assert out.topics == ["verdicts", "outcomes"]
    assert (outcome.status, outcome.code, outcome.app) == ("error", "UNKNOWN_APP", "shop")
    assert outcome.message == "no policy serves this app"


def test_a_request_without_an_id_is_known_by_its_position():
    """Its work and outcome carry the position as the id, so that a reply can name it."""
    event = screened(request("fine", headers=())).event(WORK_INTERACTIVE)
    assert (event.envelope.id, event.envelope.source) == ("t.requests:1:5", "t.requests")


@pytest.mark.parametrize(
    ("action", "topic", "code"),
    [("flag", "work.interactive", None), ("hold", "outcomes", None), ("block", "outcomes", "TOO_LONG")],
)
def test_what_is_too_long_ends_as_the_policy_says(action, topic, code):
    """A text that no guard has read is flagged, held or refused; the verdict says so, a refusal says why."""
    out = screened(request("x" * 501), policy(prompt={"toxicity": {"flag": 0.5}}, too_long=action))
    assert out.topics[1] == topic
    assert out.record(VERDICTS).code == "TOO_LONG"
    if topic == "outcomes":
        assert out.record(OUTCOMES).code == code


def test_what_cannot_be_searched_is_redacted_as_a_whole():
    """If a guard's failure is to be redacted, the model sees nothing of the text."""
    strict = policy(prompt={"pii": {"redact": 0.5, "on_error": "redact"}})
    work = screened(request("Ann leak-boom", "and more"), strict).record(WORK_INTERACTIVE)
    assert texts_of(work) == ["<GUARD_FAILED_1>", "<GUARD_FAILED_2>"]


@pytest.mark.parametrize("policy", [POLICY, BLOCKING, HOLDING], ids=["work", "refusal", "hold"])
def test_a_request_met_again_causes_the_same(policy):
    """Done twice, everything has the same ids and the same content."""
    messages = [request("bad Ann"), request("fine"), arriving(REQUESTS, b"{", IDENTITY)]
    stage = loaded("screen", replace(surroundings(policy), load_pipeline=surroundings().load_pipeline))
    first, again = ([[p.message for p in each] for each in stage.process(messages)] for _ in range(2))
    assert [[(m.key, m.headers) for m in each] for each in first] == [
        [(m.key, m.headers) for m in each] for each in again
    ]


@pytest.mark.parametrize("text", ["\x00 Ann \x00", "\ud800Ann\udfff", "مرحبا Ann", "👩‍👩‍👧 Ann 👋🏽"])
def test_any_text_goes_its_way(text):
    """NULs, lone surrogates, other scripts and emoji are redacted by code point and come out whole."""
    work = screened(request(text), keeper=keeper()).record(WORK_INTERACTIVE)
    assert texts_of(work) == [text.replace("Ann", "<NAME_1>")]
