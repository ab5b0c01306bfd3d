"""The rules of settle, one situation each."""

import json

import pytest

from schemas.actions import Action
from schemas.dead_letter import read_reason
from schemas.errors import Code
from schemas.ids import derived_id, request_key
from schemas.policy import Holds, Policy, Replies
from schemas.topics import CANCELS, DECISIONS, OUTCOMES, REPLIES, REQUESTS, VERDICTS, WORK_BULK, WORK_INTERACTIVE
from schemas.verdict import Verdict
from schemas.work import Usage, Work
from streams.settle.entry import MAX_PLACES, moment
from tests.fixtures.settle_scene import (
    POLICY,
    REFERENCE,
    REMEMBER,
    SOURCE,
    START,
    Scene,
    body,
    envelope,
    held,
    outcome_of,
    position,
    review_id,
)

STRANGE = "\ud800 \u0645\u0631\u062d\u0628\u0627 \U0001f600\x00"


@pytest.fixture
def scene():
    return Scene()


def last(scene):
    """The state that was written last."""
    return scene.states[-1][1]


def test_the_first_outcome_is_the_reply(scene):
    """An outcome becomes the reply with all that it says; the state names the reply by its id."""
    message = scene.request("r1")
    usage = Usage(prompt_tokens=3, completion_tokens=5)
    outcome = outcome_of(message, model="m", usage=usage, finish_reason="stop", policy=REFERENCE, action=Action.FLAG)
    (reply,) = scene.outcome("r1", outcome)
    assert (reply.status, reply.final, reply.answered_by, reply.text) == ("delivered", True, "judge", "an answer")
    assert (reply.request_id, reply.request_source, reply.position) == ("r1", SOURCE, position(message))
    assert (reply.model, reply.usage, reply.finish_reason, reply.policy) == ("m", usage, "stop", REFERENCE)
    assert reply.action is Action.FLAG
    assert scene.replies[0][0] == str(derived_id("default", SOURCE, "r1", "settle"))
    assert (last(scene).state, str(last(scene).reply_id)) == ("settled", scene.replies[0][0])
    assert scene.states[-1][0].decode() == request_key(SOURCE, "r1")


def test_later_outcomes_change_nothing(scene):
    """Once there is a reply, another outcome is counted and not answered."""
    message = scene.request("r1")
    scene.outcome("r1", outcome_of(message, "screen", "withheld", code=Code.BLOCKED))
    written = len(scene.out)
    assert scene.outcome("r1", outcome_of(message)) == []
    assert len(scene.out) == written


def test_a_deadline_answers(scene):
    """A request without an outcome is answered with an error when its time is over, and not before."""
    scene.request("r1", body(deadline=1500))
    assert scene.wait(1.499) == []
    (reply,) = scene.wait(0.001)
    assert (reply.status, reply.code, reply.answered_by) == ("error", "DEADLINE_EXCEEDED", "deadline")


def test_a_deadline_in_the_past_is_answered_at_once(scene):
    """What came too late for its own deadline is answered in the same turn."""
    message = scene.write_request("r1", body(deadline="2020-01-01T00:00:00Z"))
    (reply,) = scene.read(message)
    assert reply.code == "DEADLINE_EXCEEDED"


def test_an_outcome_beats_a_deadline_that_passed_unread(scene):
    """After an interruption, outcomes that wait to be read come before deadlines that have passed meanwhile."""
    message = scene.request("r1", body(deadline=1000))
    scene.now += 5000
    waiting = scene.write(OUTCOMES, outcome_of(message), envelope(OUTCOMES, "r1"))
    (reply,) = scene.read(waiting)
    assert reply.status == "delivered"


def test_an_unreadable_body_with_an_id_is_answered(scene):
    """A request that cannot be read is open all the same: screen answers it, or else its deadline."""
    message = scene.request("r1", b"no json")
    assert last(scene).app == "unknown"
    (reply,) = scene.outcome("r1", outcome_of(message, "screen", "error", app="unknown", code=Code.MALFORMED_JSON))
    assert (reply.status, reply.code, reply.app) == ("error", "MALFORMED_JSON", "unknown")


@pytest.mark.parametrize("value", [b"no json", None, b"", b"\xff\xfe", b"[]"])
def test_a_request_that_nobody_can_name_is_left_to_screen(scene, value):
    """An unreadable message without an id is screen's dead letter; settle only goes past it."""
    assert scene.read(scene.append(REQUESTS, value, [])) == []
    assert scene.out == []


def test_a_repeat_is_not_answered_again(scene):
    """The same request at another place waits with the first one: one reply, and both places accounted for."""
    first, second = scene.request("r1"), scene.request("r1", partition=1)
    assert len(scene.outcome("r1", outcome_of(first))) == 1
    assert last(scene).positions == (position(first), position(second))


def test_a_repeat_after_the_reply_is_accounted_for(scene):
    """A repeat of a settled request gets no reply; its place is recorded with the reply that there was."""
    first = scene.request("r1")
    scene.outcome("r1", outcome_of(first))
    second = scene.request("r1")
    assert len(scene.replies) == 1
    assert (last(scene).state, last(scene).positions) == ("settled", (position(second),))
    assert str(last(scene).reply_id) == scene.replies[0][0]


def test_the_same_id_with_another_body_is_a_conflict(scene):
    """It is not answered: a verdict accounts for it, one for each such message."""
    scene.request("r1")
    others = [scene.request("r1", body("other")), scene.request("r1", body("third"), partition=2)]
    verdicts = [Verdict.model_validate_json(message.value) for message in scene.published(VERDICTS)]
    assert [verdict.position for verdict in verdicts] == [position(other) for other in others]
    assert {(verdict.code, verdict.stage, verdict.judgement.action) for verdict in verdicts} == {
        ("ID_CONFLICT", "settle", Action.BLOCK)
    }
    assert len({verdict.verdict_id for verdict in verdicts}) == 2


def test_an_outcome_of_a_contradicting_body_is_superseded(scene):
    """What screen says of the second body under an id does not answer the first one."""
    scene.request("r1")
    other = scene.request("r1", body("other"))
    assert scene.outcome("r1", outcome_of(other)) == []


def test_endless_repeats_cost_no_memory(scene):
    """Past a number of repeats of an open request, each is accounted for by a verdict instead."""
    for _ in range(MAX_PLACES + 3):
        scene.request("r1")
    assert len(last(scene).positions) == MAX_PLACES
    assert len(scene.published(VERDICTS)) == 3


def test_the_same_id_of_another_source_is_another_request(scene):
    """Two applications may choose the same id."""
    scene.request("r1")
    scene.request("r1", body("other"), source="else")
    assert [reply.request_source for reply in scene.wait(60)] == [SOURCE, "else"]


def test_an_outcome_before_its_request_settles_it(scene):
    """Topics are read in any order: the request, once read, is known to be settled."""
    message = scene.write_request("r1")
    (reply,) = scene.outcome("r1", outcome_of(message))
    assert reply.position == position(message)
    assert scene.read(message) == []
    assert scene.wait(REMEMBER / 1000) == []


def test_a_hold_before_its_request_holds_it(scene):
    """The request, once read, is not opened again, and its deadline does not count."""
    message = scene.write_request("r1")
    scene.outcome("r1", held(message, "r1"))
    states = len(scene.states)
    assert scene.read(message) == scene.wait(60) == []
    assert len(scene.states) == states


def test_an_outcome_of_a_forgotten_request_is_superseded(scene):
    """What comes again long after its request was settled and forgotten is never a second reply."""
    message = scene.request("r1")
    scene.outcome("r1", outcome_of(message))
    scene.wait(REMEMBER / 1000)
    assert last(scene) is None
    assert scene.outcome("r1", outcome_of(message)) == []
    assert scene.outcome("r1", outcome_of(message, position=None, digest=None)) == []


def test_an_outcome_of_a_topic_that_is_gone_is_superseded(scene):
    """A position in a topic that was created anew since says nothing about this one's messages."""
    message = scene.write_request("r1")
    assert scene.outcome("r1", outcome_of(message, position=position(message, "former"))) == []


def test_an_outcome_without_a_position_answers_an_open_request(scene):
    """A gateway's completion may not say where its request stands: its id is enough while the request waits."""
    message = scene.request("r1")
    (reply,) = scene.outcome("r1", outcome_of(message, app="unknown", position=None, digest=None))
    assert (reply.app, reply.position) == ("default", position(message))


def test_a_hold_stops_the_deadline(scene):
    """The application is told that and until when, without the text; the deadline passes without effect."""
    message = scene.request("r1", body(deadline=1000))
    (reply,) = scene.outcome("r1", held(message, "r1", "response"))
    assert (reply.status, reply.final, reply.text, reply.code) == ("held", False, None, None)
    assert reply.held_until == moment(START + 100_000)
    assert scene.wait(99.9) == []
    assert scene.outcome("r1", outcome_of(message)) == []


def test_a_hold_that_expires_is_refused(scene):
    """Nobody came: what the policy says to that is a refusal in the policy's words."""
    message = scene.request("r1")
    scene.outcome("r1", held(message, "r1"))
    (reply,) = scene.wait(100)
    assert (reply.status, reply.code, reply.answered_by) == ("withheld", "HOLD_EXPIRED", "expiry")
    assert reply.message == POLICY.replies.refusal


def test_a_hold_that_expires_may_be_released(scene):
    """Nobody came, and the policy says to go on."""
    message = scene.request("r1")
    scene.outcome("r1", held(message, "r1", "response", on_expiry="release"))
    (reply,) = scene.wait(100)
    assert (reply.status, reply.text, reply.answered_by) == ("delivered", "risky", "expiry")


@pytest.mark.parametrize(
    ("action", "text", "status", "expected"),
    [
        ("release", None, "delivered", "risky"),
        ("edit", "better", "redacted", "better"),
        ("edit", "", "redacted", ""),
        ("edit", STRANGE, "redacted", STRANGE),
        ("refuse", None, "withheld", None),
    ],
)  # fmt: skip
def test_a_decision_about_a_held_response(scene, action, text, status, expected):
    """A reviewer lets it go, rewrites it, or refuses it."""
    message = scene.request("r1")
    scene.outcome("r1", held(message, "r1", "response"))
    scene.decide(review_id("r1", "response"), action, text)
    final = json.loads(scene.published(REPLIES)[-1].value)
    assert (final["status"], final.get("text"), final["answered_by"]) == (status, expected, "review")
    assert final.get("code") == ("REFUSED_BY_REVIEWER" if action == "refuse" else None)


@pytest.mark.parametrize(("priority", "topic"), [("interactive", WORK_INTERACTIVE), ("bulk", WORK_BULK)])
def test_a_released_prompt_goes_on_to_the_model(scene, priority, topic):
    """Its work is published with a fresh deadline under the request's own id, and the request is open again."""
    message = scene.request("r1", body(priority=priority))
    scene.outcome("r1", held(message, "r1"))
    scene.wait(50)
    assert scene.decide(review_id("r1"), "release") == []
    (work,) = scene.published(topic)
    headers = dict(work.headers)
    assert (headers["ce_id"], headers["ce_source"], headers["ce_type"]) == (b"r1", b"shop", b"weir.work.v1")
    assert Work.model_validate_json(work.value).deadline == moment(START + 110_000) == last(scene).deadline
    (reply,) = scene.outcome("r1", outcome_of(message))
    assert reply.status == "delivered"


@pytest.mark.parametrize("side", ["prompt", "response"])
def test_how_long_people_took_is_measured(scene, side):
    """From the hold to the first decision about it; what nobody decided, or decided too late, is none."""
    for event in ("r1", "r2"):
        message = scene.request(event)
        scene.outcome(event, held(message, event, side))
    scene.wait(40)
    scene.crash()
    for action in ("release", "refuse"):
        scene.decide(review_id("r1", side), action)
    scene.wait(60)
    value = scene.metrics.registry.get_sample_value
    assert value("weir_review_seconds_sum", {"kind": "decision"}) == 40
    assert value("weir_review_seconds_count", {"kind": "decision"}) == 1


def test_a_released_prompt_has_a_deadline_again(scene):
    """The model does not answer: the request is, in the time that a policy gives."""
    message = scene.request("r1")
    scene.outcome("r1", held(message, "r1"))
    scene.decide(review_id("r1"), "release")
    assert scene.wait(59.9) == []
    (reply,) = scene.wait(0.1)
    assert reply.code == "DEADLINE_EXCEEDED"


def test_an_edited_prompt_goes_on_in_the_reviewers_words(scene):
    """The last user message is replaced, and nothing else."""
    messages = [{"role": role, "content": text} for role, text in [("user", "a"), ("user", "b"), ("assistant", "c")]]
    message = scene.request("r1", body(messages=messages))
    scene.outcome("r1", held(message, "r1"))
    scene.decide(review_id("r1"), "edit", "harmless")
    (work,) = scene.published(WORK_INTERACTIVE)
    texts = [message.content for message in Work.model_validate_json(work.value).request.messages]
    assert texts == ["a", "harmless", "c"]


def test_a_prompt_cannot_be_edited_away(scene):
    """An edit that leaves no prompt is a dead letter, and the hold goes on."""
    message = scene.request("r1")
    scene.outcome("r1", held(message, "r1"))
    scene.decide(review_id("r1"), "edit", " ")
    assert read_reason(scene.dead_letters(DECISIONS)[0].headers).code == "INVALID_FIELD"
    assert len(scene.decide(review_id("r1"), "refuse")) == 1


def test_screen_again_after_a_release_is_no_news(scene):
    """Screen may say the same hold, or another word, again after a crash: it has been decided."""
    message = scene.request("r1")
    scene.outcome("r1", held(message, "r1"))
    scene.decide(review_id("r1"), "release")
    scene.crash()
    assert scene.outcome("r1", held(message, "r1")) == []
    assert scene.outcome("r1", outcome_of(message, "screen", "withheld", code=Code.BLOCKED)) == []
    scene.outcome("r1", held(message, "r1", "response"))
    assert [reply.status for _, reply in scene.replies] == ["held", "held"]
    assert scene.replies[0][0] != scene.replies[1][0]


def test_only_the_first_decision_counts(scene):
    """A second decision, or one about nothing, is a dead letter that says so."""
    message = scene.request("r1")
    scene.outcome("r1", held(message, "r1", "response"))
    assert len(scene.decide(review_id("r1", "response"), "release")) == 1
    assert scene.decide(review_id("r1", "response"), "refuse") == []
    assert scene.decide(review_id("other"), "release") == []
    assert [read_reason(letter.headers).code for letter in scene.dead_letters(DECISIONS)] == ["NOT_HELD"] * 2


def test_what_was_held_may_be_gone(scene):
    """A release of an outcome that its topic does not have any more is an error, not silence."""
    message = scene.request("r1")
    scene.outcome("r1", held(message, "r1", "response"))
    scene.logs[OUTCOMES.name, 0].clear()
    (reply,) = scene.decide(review_id("r1", "response"), "release")
    assert (reply.status, reply.code, reply.answered_by) == ("error", "PROCESSING_FAILED", "review")


def test_another_outcome_at_the_place_of_a_hold_is_not_released(scene):
    """Where the topic was created anew, what stands at the old place is somebody else's."""
    message, other = scene.request("r1"), scene.request("r2")
    scene.outcome("r1", held(message, "r1", "response"))
    scene.outcome("r2", held(other, "r2", "response"))
    log = scene.logs[OUTCOMES.name, 0]
    log[0] = log[1]
    (reply,) = scene.decide(review_id("r1", "response"), "release")
    assert reply.code == "PROCESSING_FAILED"


def test_a_cancellation_answers(scene):
    """The application does not wait any more: the request ends, held or not, and later outcomes do not count."""
    messages = [scene.request("r1"), scene.request("r2")]
    scene.outcome("r2", held(messages[1], "r2"))
    replies = scene.cancel("r1") + scene.cancel("r2")
    assert {(reply.status, reply.code, reply.answered_by) for reply in replies} == {("error", "CANCELLED", "cancel")}
    assert scene.outcome("r1", outcome_of(messages[0])) == []
    assert scene.decide(review_id("r2"), "release") == []


def test_a_cancellation_before_its_request_is_remembered(scene):
    """The request is answered as soon as it comes; so is one of which an outcome comes first."""
    scene.cancel("r1")
    scene.cancel("r2")
    scene.crash()
    message = scene.write_request("r2")
    assert [reply.code for reply in scene.outcome("r2", outcome_of(message))] == ["CANCELLED"]
    scene.request("r1")
    assert [(reply.request_id, reply.code) for _, reply in scene.replies] == [("r2", "CANCELLED"), ("r1", "CANCELLED")]


def test_a_cancellation_waits_for_an_hour(scene):
    """A request that comes later than that is served."""
    scene.cancel("r1")
    scene.wait(3600)
    assert last(scene) is None
    assert scene.request("r1")
    assert scene.replies == []


def test_neither_request_nor_cancellation_names_a_source(scene):
    """The defaults, each its own topic's name, mean the same application."""
    scene.read(scene.append(REQUESTS, body(), [("ce_id", b"r1")]))
    scene.read(scene.append(CANCELS, b'{"request_id": "r1"}', []))
    assert [reply.code for _, reply in scene.replies] == ["CANCELLED"]


def test_a_reply_that_is_too_large_becomes_an_error(scene):
    """The broker would never take it, and settle would try for ever."""
    message = scene.request("r1")
    (reply,) = scene.outcome("r1", outcome_of(message, text="\x01" * 11_100_000))
    assert (reply.status, reply.code, reply.text) == ("error", "TOO_LARGE", None)


@pytest.mark.parametrize("topic", [OUTCOMES, CANCELS, DECISIONS])
@pytest.mark.parametrize("value", [b"no json", b"{}", None, b"\xff", b'{"request_id": "\\ud800"}'])
def test_what_cannot_be_read_is_a_dead_letter(scene, topic, value):
    """Byte for byte, with the reason."""
    scene.read(scene.append(topic, value, [("ce_id", b"r1"), ("other", b"\xff")]))
    (letter,) = scene.dead_letters(topic)
    assert letter.value == value
    assert ("other", b"\xff") in letter.headers
    assert read_reason(letter.headers).stage == "settle"


@pytest.mark.parametrize("lacking", ["hold", "work"])
def test_a_hold_without_what_follows_is_a_dead_letter(scene, lacking):
    """It could never be released; the request's deadline answers it."""
    message = scene.request("r1", body(deadline=1000))
    scene.outcome("r1", held(message, "r1").model_copy(update={lacking: None}))
    assert read_reason(scene.dead_letters(OUTCOMES)[0].headers).field == "hold"
    assert [reply.code for reply in scene.wait(1)] == ["DEADLINE_EXCEEDED"]


@pytest.mark.parametrize("place", [{"offset": 2**63}, {"offset": -1}, {"partition": 2**31}])
def test_an_outcome_of_a_place_that_cannot_be_is_a_dead_letter(scene, place):
    """Nothing that Kafka, or the store, has no number for gets into a state."""
    outcome = outcome_of(scene.write_request("r1"))
    strange = outcome.model_copy(update={"position": outcome.position.model_copy(update=place)})
    assert scene.outcome("r1", strange) == []
    assert read_reason(scene.dead_letters(OUTCOMES)[0].headers).code == Code.INVALID_FIELD


def test_an_outcome_that_names_no_request_is_a_dead_letter(scene):
    """An event without an id has its own place for one, which is no request's."""
    outcome = outcome_of(scene.request("r1"))
    scene.read(scene.append(OUTCOMES, json.dumps(outcome.to_json(), default=str).encode(), []))
    assert read_reason(scene.dead_letters(OUTCOMES)[0].headers).field == "ce_id"


def test_a_dead_letter_that_is_too_large_is_the_reason_alone(scene):
    """A broker takes what is small once it is compressed, and not the same in full: that must not stop the rest."""
    message = scene.append(CANCELS, b"a" * (CANCELS.max_message_bytes + 1), [("h", b"1")])
    scene.read(message)
    (letter,) = scene.dead_letters(CANCELS)
    assert (letter.key, letter.value) == (None, b"")
    assert read_reason(letter.headers).offset == message.offset


def test_the_trace_goes_on_in_the_reply(scene):
    """A reply is part of the trace of the outcome that led to it."""
    message = scene.request("r1")
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    scene.read(scene.write(OUTCOMES, outcome_of(message), envelope(OUTCOMES, "r1", traceparent=trace)))
    assert dict(scene.published(REPLIES)[0].headers)["traceparent"].decode() == trace


def test_policies_give_times_and_words():
    """The default deadline and the words of a refusal are those of the app's policy."""
    rules = {"prompt": {"pii": {"flag": 0.5}}, "hold": Holds(seconds=100), "replies": Replies(refusal="Sorry.")}
    scene = Scene([Policy(id="q", version=1, apps=("default",), deadline={"default_seconds": 5}, **rules)])
    scene.request("r1")
    message = scene.request("r2")
    scene.outcome("r2", held(message, "r2"))
    assert [reply.request_id for reply in scene.wait(5)] == ["r1"]
    (reply,) = scene.decide(review_id("r2"), "refuse")
    assert reply.message == "Sorry."


def test_policies_say_how_long_the_store_keeps_things():
    """Whoever answers: a stage, a deadline, a person; each state says so as well, and another app's do not."""
    rules = {"prompt": {"pii": {"flag": 0.5}}, "hold": Holds(seconds=100), "retention": {"days": 30}}
    soon = {"version": 1, "deadline": {"default_seconds": 5}}
    scene = Scene([Policy(id="q", apps=("default",), **soon, **rules), Policy(id="r", apps=("other",), **soon)])
    scene.request("r0", body(app="other"))
    answered, asked = scene.request("r1"), scene.request("r2")
    scene.outcome("r1", outcome_of(answered))
    scene.outcome("r2", held(asked, "r2"))
    scene.request("r3")
    scene.wait(5)
    scene.decide(review_id("r2"), "refuse")
    said = {(reply.request_id, reply.answered_by, reply.keep_days) for _, reply in scene.replies}
    assert said == {
        ("r0", "deadline", None), ("r1", "judge", 30), ("r2", "screen", 30),
        ("r2", "review", 30), ("r3", "deadline", 30),
    }  # fmt: skip
    states = {(state.request_id, state.keep_days) for _, state in scene.states}
    assert states == {("r0", None), ("r1", 30), ("r2", 30), ("r3", 30)}
