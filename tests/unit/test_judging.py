"""What every judging stage does, whatever it judges; shown on observe."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schemas.codec import Message
from schemas.dead_letter import read_reason, replay_headers, without_reason
from schemas.forgotten import Forgotten
from schemas.ids import derived_id
from schemas.policy import PolicyBook
from schemas.sampling import SamplingPlan
from schemas.topics import INTERACTIONS, REVIEWS, VAULT, VERDICTS
from streams.erasure.erasures import Erasures
from streams.policies.assignment import Assignment, FixedPolicies
from streams.sampling.plans import NOTICE, PlanBook
from streams.vault.keeper import EventName
from tests.fixtures.judging import ARRIVED, NOW, Caused, arriving, caused, event, keeper, loaded, policy, surroundings

CANARY = "cAnArY-7f3a"
RULES = {"toxicity": {"block": 0.5}, "pii": {"redact": 0.5}}
POLICY = policy(prompt=RULES)


@pytest.fixture
def given():
    return surroundings(POLICY)


@pytest.fixture
def stage(given):
    return loaded("observe", given)


def message(body, headers=(), offset=5):
    return arriving(INTERACTIONS, body, headers, offset)


def verdict_on(stage, body, headers=()):
    return caused(stage, message(body, headers)).record(VERDICTS)


def letter_of(stage, original):
    ((out,),) = stage.process([original])
    assert out.topic == "t.interactions.dlq"
    return out.message


def test_a_verdict_explains_itself(stage):
    """A verdict names its event, position, policy, versions, sampling and scores, and holds masked text only."""
    ((out,),) = stage.process([message({"app": "shop", "user": "u", "prompt": "bad Ann", "response": "ok"})])
    verdict = event(out).record
    assert out.topic == "t.verdicts"
    assert out.message.key == b"c-1"
    assert (verdict.app, verdict.user, verdict.stage) == ("shop", "u", "observe")
    assert verdict.judgement.action == "block"
    assert verdict.judgement.prompt.text == "bad <NAME>"
    assert (verdict.position.topic, verdict.position.topic_id) == ("t.interactions", "id-of-t.interactions")
    assert (verdict.position.partition, verdict.position.offset, verdict.position.time) == (1, 5, ARRIVED)
    assert (verdict.policy.id, verdict.policy.version) == ("p", 3)
    assert verdict.versions == {"toxicity": "word@1", "pii": "span@1"}
    assert (verdict.review_probability, verdict.review_sampled) == (0.0, False)
    assert verdict.verdict_id == derived_id("shop", "t.interactions", "t.interactions:1:5", "observe")
    assert verdict.code is None


def test_judging_again_gives_the_same_id(stage):
    """A replayed event has the same verdict id, so that the store keeps one."""
    first, again = (verdict_on(stage, {"app": "shop", "prompt": "hello"}) for _ in range(2))
    assert first.verdict_id == again.verdict_id


def test_an_unknown_app_has_a_verdict(stage):
    """An app that no policy serves gets a verdict with a code, not silence, and its text is in no field."""
    verdict = verdict_on(stage, {"app": "who", "prompt": CANARY})
    assert (verdict.code, verdict.field, verdict.judgement.action) == ("UNKNOWN_APP", "app", "block")
    assert CANARY not in verdict.model_dump_json()


def test_an_identified_bad_body_has_a_verdict(stage):
    """A bad body with the producer's id is answered by a verdict that names code and field."""
    verdict = verdict_on(stage, {"app": "shop", "prompt": 5}, [("ce_id", b"e-9")])
    assert (verdict.source_event_id, verdict.code, verdict.field) == ("e-9", "WRONG_TYPE", "prompt")


@pytest.mark.parametrize("body", [None, b"", CANARY.encode(), {"app": 5}, {"app": "shop"}])
def test_an_unreadable_message_is_a_dead_letter(stage, body):
    """What cannot be read goes to the dead-letter topic with its original bytes and a reason without user text."""
    original = message(body, [("ce_source", b"s"), ("other", b"\xff"), ("other", b"2")])
    letter = letter_of(stage, original)
    assert (letter.key, letter.value) == (original.key, original.value)
    assert without_reason(letter.headers) == list(original.headers)
    reason = read_reason(letter.headers)
    assert (reason.topic, reason.partition, reason.offset, reason.stage) == ("t.interactions", 1, 5, "observe")
    assert reason.code
    assert CANARY not in f"{reason}"


def test_a_dead_letter_that_no_topic_takes_is_the_reason_alone(stage):
    """What came compressed may be many times what a broker takes: it is not even tried."""
    ((publication,),) = stage.process([message(b"{" + b"a" * INTERACTIONS.max_message_bytes)])
    assert (publication.topic, publication.message.value) == ("t.interactions.dlq", b"")
    assert read_reason(publication.message.headers).offset == 5


def test_an_unknown_major_version_is_a_dead_letter(stage):
    """A major version from the future is kept for later, even where its id can be read."""
    headers = [("ce_id", b"e"), ("ce_type", b"weir.interaction.v9")]
    letter = letter_of(stage, message({"app": "shop", "prompt": "x"}, headers))
    assert read_reason(letter.headers).code == "UNSUPPORTED_VERSION"


def test_every_message_is_answered_for_in_order(stage):
    """Good and bad messages in one batch come out in their order."""
    bodies = [
        {"app": "shop", "prompt": "one"},
        b"junk",
        {"app": "who", "prompt": "x"},
        {"app": "shop", "prompt": "two"},
    ]
    out = stage.process([message(body, offset=n) for n, body in enumerate(bodies)])
    topics = [Caused(publications).topics for publications in out]
    assert topics == [["verdicts"], ["interactions.dlq"], ["verdicts"], ["verdicts"]]
    assert Caused(out[3]).record(VERDICTS).judgement.prompt.text == "two"


@pytest.mark.parametrize(("prompt", "code"), [("x" * 600, "TOO_LONG"), ("boom", "GUARD_FAILED")])
def test_a_partial_judgement_says_so(stage, prompt, code):
    """A verdict that does not rest on every guard carries the code that says why."""
    verdict = verdict_on(stage, {"app": "shop", "prompt": prompt})
    assert (verdict.code, verdict.judgement.action) == (code, "block")


def test_giving_up_is_a_dead_letter_without_the_reason_of_a_library(stage):
    """An exception's text may hold user text, so only its type is passed on."""
    out = stage.give_up(message({"app": "shop", "prompt": CANARY}), ValueError(CANARY))
    reason = read_reason(out.message.headers)
    assert (reason.code, reason.message) == ("PROCESSING_FAILED", "observe could not process it: ValueError")


def test_metrics_count_every_end(stage, given):
    """Every message ends in one count, by action or by code."""
    stage.process(
        [message({"app": "shop", "prompt": "bad"}), message(b"junk"), message({"app": "shop", "prompt": "ok"})]
    )
    value = given.metrics.registry.get_sample_value
    assert value("weir_events_total", {"stage": "observe", "action": "block"}) == 1
    assert value("weir_events_total", {"stage": "observe", "action": "allow"}) == 1
    assert value("weir_dead_letters_total", {"stage": "observe", "code": "MALFORMED_JSON"}) == 1


def test_replay_keeps_the_first_position(stage):
    """A dead letter that is replayed loses its reason, keeps its first position and counts its replays."""
    once = replay_headers(letter_of(stage, message(b"junk")).headers)
    assert dict(once)["weir_origin"] == b"t.interactions:1:5"
    assert read_reason(once).replays == 1
    again = letter_of(stage, Message("t.interactions", 0, 77, NOW, b"c-1", b"junk", once))
    twice = replay_headers(again.headers)
    assert dict(twice)["weir_origin"] == b"t.interactions:1:5"
    assert read_reason(twice).replays == 2


class OnTrial:
    """Judges by one policy and watches another."""

    def __init__(self, policy, shadow):
        self._assignment = Assignment(policy, shadow)

    def assign(self, app, conversation):
        return self._assignment


def test_a_policy_on_trial_writes_a_verdict_and_nothing_else(given):
    """A shadow has its own run, id and judgement; it is not sampled and counts in no metric."""
    trial = policy(version=4, prompt={"pii": {"block": 0.5}}, sampling={"review": 1.0})
    given = replace(given, policies=OnTrial(POLICY, trial))
    (publications,) = loaded("observe", given).process([message({"app": "shop", "prompt": "Ann"})])
    live, shadow = (event(publication).record for publication in publications)
    assert (live.run, live.judgement.action, live.policy.version) == ("live", "redact", 3)
    assert (shadow.run, shadow.judgement.action, shadow.policy.version) == ("shadow:p@4", "block", 4)
    assert shadow.verdict_id == derived_id("shop", live.source, live.source_event_id, "observe", "shadow:p@4")
    assert (shadow.review_sampled, shadow.review_probability, shadow.review_stratum) == (False, 0.0, None)
    value = given.metrics.registry.get_sample_value
    assert value("weir_events_total", {"stage": "observe", "action": "redact"}) == 1
    assert value("weir_events_total", {"stage": "observe", "action": "block"}) is None


@pytest.mark.parametrize(
    ("days", "trial", "expected"),
    [(None, None, (None, None)), (30, None, (30, 30)), (None, 20, (None, 20)), (30, 20, (30, 20)), (20, 30, (20, 20))],
)
def test_a_verdict_says_how_long_it_may_be_kept(given, days, trial, expected):
    """By the policy in force; a policy on trial can have its own copy of the text go sooner, and never later."""
    policies = OnTrial(policy(retention={"days": days}), policy(version=4, retention={"days": trial}))
    (publications,) = loaded("observe", replace(given, policies=policies)).process(
        [message({"app": "shop", "prompt": "x"})]
    )
    assert tuple(event(each).record.keep_days for each in publications) == expected


def test_what_could_not_be_judged_is_kept_no_longer(given):
    """A subject that was forgotten has a note; it stays for as long as the app's policy lets anything stay."""
    gone = Forgotten(app="shop", user="u", before=ARRIVED, forgotten_by="operator")
    book = PolicyBook([policy(prompt=RULES, retention={"days": 30}, sampling={"review": 1.0})])
    given = replace(given, policies=FixedPolicies(book), forgets=Erasures().after([gone]))
    stage = loaded("observe", given)
    forgotten = verdict_on(stage, {"app": "shop", "user": "u", "prompt": "Ann"})
    assert (forgotten.code, forgotten.keep_days) == ("FORGOTTEN", 30)
    read = caused(stage, message({"app": "shop", "prompt": "Ann"})).record(REVIEWS)
    assert read.keep_days == 30


def test_what_is_sampled_is_put_to_people(given):
    """A sampled verdict comes with a review that has its masked judgement and its probability, once however often."""
    sampling = {"review": 0.25, "second": 1.0, "strata": [{"name": "acted-on", "actions": ["redact"], "rate": 1.0}]}
    stage = loaded(
        "observe", replace(given, policies=FixedPolicies(PolicyBook([policy(prompt=RULES, sampling=sampling)])))
    )
    first, again = (caused(stage, message({"app": "shop", "user": "u", "prompt": "I am Ann"})) for _ in range(2))
    verdict, review = first.record(VERDICTS), first.record(REVIEWS)
    assert (verdict.review_stratum, verdict.review_rate, verdict.review_probability) == ("acted-on", 1.0, 1.0)
    assert (review.kind, review.verdict_id, review.stratum, review.probability) == (
        "sample", verdict.verdict_id, "acted-on", 1.0,
    )  # fmt: skip
    assert (review.readings, review.judgement, review.app, review.side) == (2, verdict.judgement, "shop", None)
    assert again.record(REVIEWS) == review
    assert first.event(REVIEWS).envelope.id == str(review.review_id)
    value = given.metrics.registry.get_sample_value
    assert value("weir_review_samples_total", {"stage": "observe", "stratum": "acted-on"}) == 2


def test_plans_lower_the_rates(given):
    """The plan of the moment at which the event came counts, whenever it is judged."""
    sampled = policy(prompt=RULES, sampling={"review": 0.5})
    plans = PlanBook()
    plans.take(SamplingPlan(policy="p", begins_at=ARRIVED, factor=0.1, expected=9, budget=1), ARRIVED - NOTICE)
    plans.take(SamplingPlan(policy="p", begins_at=NOW, factor=0.7, expected=9, budget=1), NOW - NOTICE)
    given = replace(given, policies=FixedPolicies(PolicyBook([sampled])), plans=plans)
    verdict = verdict_on(loaded("observe", given), {"app": "shop", "prompt": "Hi"})
    assert (verdict.review_stratum, verdict.review_rate, verdict.review_probability) == ("rest", 0.5, 0.05)


def test_what_is_stored_masked_is_kept_raw(given):
    """The vault gets every text of an event whose verdict does not show all of it, under its own name."""
    vault = keeper()
    kept = []
    vault.keep = lambda *arguments: kept.append(arguments) or ()
    body = {"app": "shop", "user": "u", "prompt": "I am Ann", "response": "Hi", "context": ["a", "b"]}
    caused(loaded("observe", replace(given, keeper=vault)), message(body, [("ce_id", b"e"), ("ce_source", b"s")]))
    texts = {"prompt": "I am Ann", "response": "Hi", "context.0": "a", "context.1": "b"}
    assert kept == [("shop/user/u", texts, EventName("shop", "s", "e", "observe"))]


@pytest.mark.parametrize(("prompt", "expected"), [("I am Ann", 2), ("nothing to hide", 0)])
def test_only_what_is_masked_is_kept(given, prompt, expected):
    """A verdict that shows all of its event needs no second copy of it."""
    out = caused(loaded("observe", replace(given, keeper=keeper())), message({"app": "shop", "prompt": prompt}))
    assert out.topics == ["verdicts"] + ["vault"] * expected
    assert all(b"Ann" not in publication.message.value for publication in out.all(VAULT))


def test_a_forgotten_subject_leaves_a_note_and_nothing_else(given):
    """Read again, its event ends in a verdict that holds neither text nor name; what comes later is judged."""
    gone = Forgotten(app="shop", user="ann", before=ARRIVED, forgotten_by="operator")
    given = replace(given, forgets=Erasures().after([gone]), keeper=keeper())
    body = {"app": "shop", "user": "ann", "conversation": "c-9", "prompt": "Ann"}
    dropped = caused(loaded("observe", given), message(body))
    assert dropped.topics == ["verdicts"]
    record = dropped.record(VERDICTS)
    assert (record.code, record.user, record.conversation_id) == ("FORGOTTEN", None, "forgotten")
    assert (record.judgement.prompt, record.position.offset) == (None, 5)
    later = replace(message(body), timestamp=ARRIVED + timedelta(seconds=1))
    assert caused(loaded("observe", given), later).record(VERDICTS).user == "ann"
