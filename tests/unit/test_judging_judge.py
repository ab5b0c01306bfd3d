"""judge: what becomes of a completion before the application sees it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schemas.forgotten import Forgotten
from schemas.ids import derived_id
from schemas.topics import COMPLETIONS, OUTCOMES, REQUESTS, REVIEWS, VERDICTS, WORK_BULK, WORK_INTERACTIVE
from streams.erasure.erasures import Erasures
from streams.vault.master_key import LocalKey
from streams.vault.topic_keeper import TopicKeeper
from tests.fixtures.guards import CountingEncoder
from tests.fixtures.judging import (
    ARRIVED,
    NOW,
    arriving,
    caused,
    keeper,
    loaded,
    moved_on,
    policy,
    surroundings,
)

POLICY = policy(
    prompt={"pii": {"redact": 0.5}},
    response={"toxicity": {"flag": 0.5}, "pii": {"redact": 0.5}},
    hold={"seconds": 60},
    replies={"refusal": "No."},
)
BLOCKING = POLICY.model_copy(update={"response": policy(response={"toxicity": {"block": 0.5}}).response})
HOLDING = POLICY.model_copy(
    update={"response": policy(response={"toxicity": {"hold": 0.5}, "pii": {"redact": 0.5}}).response}
)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
IDENTITY = [("ce_id", b"e-9"), ("ce_source", b"s"), ("traceparent", TRACE.encode())]
QUESTION = {"app": "shop", "messages": [{"role": "user", "content": "Who?"}]}
NUMBERS = {"model": "m-1", "usage": {"prompt_tokens": 3, "completion_tokens": 4}, "finish_reason": "stop"}


def screened(text, given):
    """The work that screen makes of a request, as JSON."""
    body = {"app": "shop", "user": "u", "messages": [{"role": "user", "content": text}], "model": "wanted"}
    out = caused(loaded("screen", given), arriving(REQUESTS, body, IDENTITY))
    return out.record(WORK_INTERACTIVE).model_dump(mode="json")


def completion(text=None, asked="Who?", given=None, **more):
    work = screened(asked, given or surroundings(POLICY))
    body = {"work": work, "text": text, **({} if "code" in more else NUMBERS), **more}
    return arriving(COMPLETIONS, {name: value for name, value in body.items() if value is not None}, IDENTITY, 7)


def judged(message, given=None):
    return caused(loaded("judge", given or surroundings(POLICY)), message)


@pytest.mark.parametrize("text", ["fine", "bad"])
def test_what_is_allowed_or_flagged_is_delivered(text):
    """The outcome answers the request: under its id, with its position and digest, the model's name and figures."""
    message = completion(text)
    event = judged(message).event(OUTCOMES)
    outcome = event.record
    assert (event.envelope.id, event.envelope.source, event.envelope.type) == ("e-9", "s", "weir.outcome.v1")
    assert (event.envelope.traceparent, event.conversation) == (TRACE, "c-1")
    assert (outcome.status, outcome.text, outcome.stage, outcome.code) == ("delivered", text, "judge", None)
    assert (outcome.app, outcome.user, outcome.conversation) == ("shop", "u", "c-1")
    assert (outcome.position.topic, outcome.position.offset, outcome.position.time) == ("t.requests", 5, ARRIVED)
    assert (outcome.model, outcome.usage.completion_tokens, outcome.finish_reason) == ("m-1", 4, "stop")
    assert outcome.policy == POLICY.reference
    assert outcome.digest


def test_the_verdict_is_about_the_completion_and_names_the_request():
    """Only the response is judged; the position is the completion's, source and id are the request's."""
    verdict = judged(completion("fine", asked="bad Ann")).record(VERDICTS)
    assert (verdict.position.topic, verdict.position.offset) == ("t.completions", 7)
    assert (verdict.source, verdict.source_event_id, verdict.model) == ("s", "e-9", "m-1")
    assert verdict.verdict_id == derived_id("shop", "s", "e-9", "judge")
    assert (verdict.judgement.action, verdict.judgement.prompt, verdict.judgement.context) == ("allow", None, None)


def test_the_prompt_is_not_read_again():
    """What screen has judged costs the judge no encoder pass of its own."""
    encoder, given = CountingEncoder(), surroundings(POLICY)
    pipeline = given.load_pipeline()
    pipeline._reader._encoder = encoder
    judged(completion("fine", asked="why"), replace(given, load_pipeline=lambda: pipeline))
    assert encoder.asked == ["fine"]


def test_what_is_redacted_is_delivered_with_placeholders():
    """The application sees what kind of thing stood there, and that something did."""
    outcome = judged(completion("It is Ann, Ann!")).record(OUTCOMES)
    assert (outcome.status, outcome.text, outcome.action) == ("redacted", "It is <NAME_1>, <NAME_1>!", "redact")


def test_what_is_blocked_is_refused():
    """The response is withheld, with the policy's words instead."""
    out = judged(completion("bad Ann"), surroundings(BLOCKING, keeper=keeper()))
    outcome = out.record(OUTCOMES)
    assert (outcome.status, outcome.code, outcome.message, outcome.text) == ("withheld", "BLOCKED", "No.", None)
    assert (outcome.model, outcome.action) == ("m-1", "block")
    assert all(b"Ann" not in publication.message.value for publication in out.publications)


def test_what_is_held_waits_with_its_text():
    """The outcome has what a release delivers, the review only the masked text."""
    out = judged(completion("bad Ann"), surroundings(HOLDING, keeper=keeper()))
    outcome, review = out.record(OUTCOMES), out.record(REVIEWS)
    assert out.topics == ["verdicts", "outcomes", "reviews", "vault", "vault"]
    assert (outcome.status, outcome.text, outcome.released_as) == ("held", "bad <NAME_1>", "redacted")
    assert (outcome.hold.side, outcome.hold.seconds, outcome.hold.on_expiry) == ("response", 60, "refuse")
    assert (review.review_id, review.stage, review.side) == (outcome.hold.review_id, "judge", "response")
    assert review.expires_at == NOW + timedelta(seconds=60)
    assert review.judgement.response.text == "bad <NAME>"


def test_a_held_text_without_redactions_is_released_as_delivered():
    """A release does not claim a redaction that there was not."""
    assert judged(completion("bad"), surroundings(HOLDING)).record(OUTCOMES).released_as == "delivered"


def test_a_completion_without_a_text_says_why():
    """Its code and message reach the reply and the verdict; nothing is judged."""
    out = judged(completion(code="CONTEXT_TOO_LONG", message="more than 2048 tokens"))
    outcome, verdict = out.record(OUTCOMES), out.record(VERDICTS)
    assert (outcome.status, outcome.code, outcome.message) == ("error", "CONTEXT_TOO_LONG", "more than 2048 tokens")
    assert (outcome.position.offset, outcome.user, outcome.action) == (5, "u", "block")
    assert (verdict.code, verdict.judgement.response, verdict.model) == ("CONTEXT_TOO_LONG", None, "wanted")


TRIED = BLOCKING.model_copy(update={"serving": policy(serving={"shadow": {"model": "m-s", "share": 1}}).serving})


@pytest.mark.parametrize(
    ("body", "action", "code"),
    [({"text": "fine", "model": "m-s"}, "allow", None), ({"text": "bad Ann", "model": "m-s"}, "block", None),
     ({"code": "UNKNOWN_MODEL"}, "block", "UNKNOWN_MODEL")],
    ids=["fine", "blocked", "no answer"],
)  # fmt: skip
def test_the_answer_of_a_model_on_trial_has_a_verdict_and_nothing_else(body, action, code):
    """It settles nothing, nobody is asked about it, and its text is kept masked only."""
    given = surroundings(
        TRIED.model_copy(update={"sampling": policy(sampling={"review": 1}).sampling}), keeper=keeper()
    )
    asked = caused(loaded("screen", given), arriving(REQUESTS, QUESTION, IDENTITY)).record(WORK_BULK)
    out = judged(arriving(COMPLETIONS, {"work": asked.model_dump(mode="json"), **body}, IDENTITY, 8), given)
    assert out.topics == ["verdicts"]
    verdict = out.record(VERDICTS)
    assert (verdict.run, verdict.stage, verdict.model) == ("shadow:model:m-s", "judge", "m-s")
    assert verdict.verdict_id == derived_id("shop", "s", "e-9", "judge", "shadow:model:m-s")
    assert (verdict.judgement.action, verdict.code, verdict.review_sampled) == (action, code, False)
    assert (verdict.source_event_id, verdict.position.offset) == ("e-9", 8)


def test_a_forgotten_subject_is_not_answered_by_a_model_on_trial():
    """The request has its own outcome; the copy has none to say that it was forgotten."""
    given = surroundings(TRIED)
    asked = caused(loaded("screen", given), arriving(REQUESTS, QUESTION, IDENTITY)).record(WORK_BULK)
    gone = Forgotten(app="shop", conversation="c-1", before=NOW, forgotten_by="operator")
    message = arriving(COMPLETIONS, {"work": asked.model_dump(mode="json"), "text": "fine"}, IDENTITY)
    out = judged(message, replace(given, forgets=Erasures().after([gone])))
    assert out.topics == ["verdicts"]
    assert (out.record(VERDICTS).code, out.record(VERDICTS).run) == ("FORGOTTEN", "shadow:model:m-s")


def test_an_orphaned_completion_is_answered_by_its_id():
    """A gateway that forgot the work gets a verdict and an outcome with the code; no position can be named."""
    out = judged(arriving(COMPLETIONS, {"text": "Ann"}, IDENTITY))
    outcome, verdict = out.record(OUTCOMES), out.record(VERDICTS)
    assert (outcome.status, outcome.code, outcome.message) == ("error", "MISSING_FIELD", "work: Field required")
    assert (outcome.app, outcome.position, outcome.digest) == ("unknown", None, None)
    assert (verdict.code, verdict.field, verdict.source_event_id) == ("MISSING_FIELD", "work", "e-9")


def test_an_app_that_lost_its_policy_is_answered():
    """A policy withdrawn while the model was at work leaves nobody without a reply."""
    outcome = judged(completion("Ann"), surroundings(policy(apps=["other"]))).record(OUTCOMES)
    assert (outcome.status, outcome.code, outcome.position.offset) == ("error", "UNKNOWN_APP", 5)
    assert outcome.text is None


@pytest.mark.parametrize(
    ("trouble", "code"), [("x" * 600, "TOO_LONG"), ("boom", "GUARD_FAILED")], ids=["too long", "guard fails"]
)
def test_an_unread_response_is_refused_with_the_reason(trouble, code):
    """Where nothing was found and nothing may pass unread, the code says what was in the way."""
    outcome = judged(completion(trouble), surroundings(BLOCKING)).record(OUTCOMES)
    assert (outcome.status, outcome.code, outcome.text) == ("withheld", code, None)


class TestRestoring:
    """What screen redacted comes back in the reply."""

    @pytest.fixture
    def given(self):
        return surroundings(POLICY, keeper=keeper())

    def answer(self, text, given, asked="I am Ann"):
        """What the judge says to a model that saw placeholders."""
        return judged(completion(text, asked, given), given)

    def test_a_placeholder_in_the_response_is_its_value_again(self, given):
        """The user reads their own name, and nothing counts as redacted."""
        outcome = self.answer("Hi <NAME_1>, or <NAME_2>?", given).record(OUTCOMES)
        assert (outcome.text, outcome.status) == ("Hi Ann, or <NAME_2>?", "delivered")

    def test_the_guards_see_placeholders(self, given):
        """What is put back is not judged, masked or stored."""
        out = self.answer("Hi <NAME_1>", given)
        verdict = out.record(VERDICTS)
        assert (verdict.judgement.action, verdict.judgement.response.text) == ("allow", "Hi <NAME_1>")
        assert out.topics == ["verdicts", "outcomes"]

    def test_a_value_of_the_models_own_stays_redacted(self, given):
        """A name that the model came up with gets a placeholder that stands for nothing the user said."""
        given = replace(given, keeper=keeper())
        outcome = self.answer("Ann? Or <NAME_1>?", given, asked="I am Ann").record(OUTCOMES)
        assert (outcome.text, outcome.status) == ("<NAME_2>? Or Ann?", "redacted")
        echoless = self.answer("It was Ann.", given, asked="I am Ann").record(OUTCOMES)
        assert echoless.text == "It was <NAME_2>."

    def test_a_held_text_is_restored_as_well(self, given):
        """What a release delivers needs no vault any more."""
        given = surroundings(HOLDING, keeper=keeper())
        outcome = self.answer("bad <NAME_1>", given).record(OUTCOMES)
        assert (outcome.text, outcome.released_as) == ("bad Ann", "delivered")

    @pytest.mark.parametrize("vault", [None, TopicKeeper(LocalKey(b"o" * 32), surroundings().namespace)])
    def test_a_closed_vault_costs_no_reply(self, given, vault):
        """Without the key the text is delivered with its placeholders, and the verdict says so."""
        message = completion("Hi <NAME_1>", "I am Ann", given)
        out = judged(message, replace(given, keeper=vault))
        assert (out.record(OUTCOMES).text, out.record(OUTCOMES).status) == ("Hi <NAME_1>", "delivered")
        assert out.record(VERDICTS).code == "VAULT_KEY"

    def test_another_requests_values_are_not_restored(self, given):
        """A gateway that puts one request's sealed map into the completion of another learns nothing from it."""
        message = replace(completion("Hi <NAME_1>", "I am Ann", given), headers=[("ce_id", b"e-8"), IDENTITY[1]])
        out = judged(message, given)
        assert (out.record(OUTCOMES).text, out.record(VERDICTS).code) == ("Hi <NAME_1>", "VAULT_KEY")

    def test_a_reviewers_words_free_no_placeholder(self, given):
        """Where an edited prompt has lost its placeholders, none of them is given to something in the response."""
        work = screened("I am Ann", given)
        work["request"]["messages"] = [{"role": "user", "content": "Who is there?"}]
        out = judged(arriving(COMPLETIONS, {"work": work, "text": "It is Ann"}, IDENTITY, 7), given)
        assert out.record(OUTCOMES).text == "It is <NAME_2>"

    def test_a_policy_may_keep_placeholders(self, given):
        """Where the policy does not restore, not even a sealed map is opened."""
        message = completion("Hi <NAME_1>", "I am Ann", given)
        keeping = POLICY.model_copy(update={"replies": policy(replies={"restore": False}).replies})
        out = judged(message, surroundings(keeping, keeper=keeper()))
        assert (out.record(OUTCOMES).text, out.record(VERDICTS).code) == ("Hi <NAME_1>", None)


def test_stages_fit_each_other():
    """What screen publishes, judge can take up where a gateway copies it."""
    given = surroundings(POLICY)
    body = {"app": "shop", "messages": [{"role": "user", "content": "\ud800 Ann"}], "deadline": 5000}
    work = caused(loaded("screen", given), arriving(REQUESTS, body, IDENTITY)).all(WORK_INTERACTIVE)[0]
    raw = moved_on(work)
    value = b'{"text": "fine", "work": ' + raw.value + b"}"
    headers = [pair for pair in raw.headers if pair[0] != "ce_type"]
    outcome = judged(arriving(COMPLETIONS, value, headers, key=raw.key)).record(OUTCOMES)
    assert (outcome.status, outcome.conversation) == ("delivered", "c-1")


@pytest.mark.parametrize("policy", [POLICY, BLOCKING, HOLDING], ids=["delivered", "refused", "held"])
def test_a_completion_met_again_causes_the_same(policy):
    """Done twice, everything has the same ids and the same content."""
    given = surroundings(policy)
    stage = loaded("judge", given)
    messages = [completion("bad Ann", given=given), completion("fine", given=given)]
    first, again = (stage.process(messages) for _ in range(2))
    ids = [[dict(p.message.headers)["ce_id"] for p in each] for each in first]
    assert ids == [[dict(p.message.headers)["ce_id"] for p in each] for each in again]
