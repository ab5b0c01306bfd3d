"""Feedback: what may be said, of what, and how it is kept."""

import json

import pytest

from schemas.codec import Message, validate
from schemas.errors import UnreadableError
from schemas.feedback import Feedback
from schemas.ids import derived_id
from schemas.topics import FEEDBACK, INTERACTIONS, OPINIONS, REQUESTS, dead_letters
from streams.client.opinions import feedback_of
from streams.gateway.feedback import FeedbackRequest
from streams.kafka.sending import pack
from tests.fixtures.judging import ARRIVED, arriving, caused, loaded, policy, surroundings
from tests.fixtures.served_rows import reply

POLICY = policy(prompt={"toxicity": {"flag": 0.5}, "pii": {"redact": 0.5}}, retention={"days": 30})
IDENTITY = [("ce_id", b"f-1"), ("ce_source", b"shop-ui")]
ABOUT = {"app": "shop", "request_id": "r-1"}


def collected(body, headers=IDENTITY, *policies):
    return caused(loaded("collect", surroundings(*(policies or (POLICY,)))), arriving(FEEDBACK, body, headers))


def reason(out):
    (letter,) = out.all(dead_letters(FEEDBACK))
    headers = {name: value.decode() for name, value in letter.message.headers}
    return headers["__connect.errors.code"], headers.get("__connect.errors.field")


@pytest.mark.parametrize(
    ("said", "sentiment"),
    [
        ({"thumb": "up"}, "positive"),
        ({"thumb": "down"}, "negative"),
        ({"rating": 1}, "negative"),
        ({"rating": 2}, "negative"),
        ({"rating": 3}, "neutral"),
        ({"rating": 4}, "positive"),
        ({"rating": 5, "thumb": "down"}, "negative"),
        ({"reason": "wrong"}, None),
        ({"comment": "hm"}, None),
    ],
)
def test_what_a_rate_counts(said, sentiment):
    """A thumb has the word, then the rating; a reason or a comment alone is no vote."""
    assert validate({**ABOUT, **said}, Feedback).sentiment == sentiment


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"app": "shop", "thumb": "up"}, "value"),
        ({**ABOUT, "interaction_id": "i", "thumb": "up"}, "value"),
        (ABOUT, "value"),
        ({**ABOUT, "comment": "  "}, "value"),
        ({**ABOUT, "thumb": "sideways"}, "thumb"),
        ({**ABOUT, "rating": 0}, "rating"),
        ({**ABOUT, "rating": "4"}, "rating"),
        ({**ABOUT, "reason": "It told me about Ann"}, "reason"),
        ({**ABOUT, "comment": "x" * 10_001}, "comment"),
        ({"request_id": "r", "thumb": "up"}, "app"),
    ],
)
def test_what_cannot_be_said(body, field):
    """Every fault is told by its field, and nothing of what was said is repeated."""
    with pytest.raises(UnreadableError) as caught:
        validate(body, Feedback)
    assert caught.value.field == field
    assert "Ann" not in str(caught.value)


def test_a_comment_is_judged_and_masked():
    """What is kept has no name in it, the scores of the comment, and the policy that judged it."""
    out = collected({**ABOUT, "user": "u", "thumb": "down", "reason": "rude", "comment": "bad, said Ann"})
    event = out.event(OPINIONS)
    opinion = event.record
    assert out.topics == ["opinions"]
    assert out.publications[0].message.key == b"c-1"
    assert (opinion.comment.text, opinion.comment.scores["toxicity"], opinion.comment.action) == (
        "bad, said <NAME>", 0.9, "redact",
    )  # fmt: skip
    assert (opinion.about, opinion.about_id, opinion.about_source) == ("request", "r-1", "shop-ui")
    assert (opinion.thumb, opinion.reason, opinion.sentiment, opinion.conversation) == (
        "down",
        "rude",
        "negative",
        "c-1",
    )
    assert (opinion.position.topic, opinion.position.offset, opinion.position.time) == ("t.feedback", 5, ARRIVED)
    assert (opinion.policy, opinion.keep_days) == (POLICY.reference, 30)
    assert opinion.feedback_id == derived_id("shop", "shop-ui", "f-1", "collect")
    assert event.envelope.id == str(opinion.feedback_id)
    assert "Ann" not in repr(opinion)


def test_a_vote_without_a_comment_costs_no_guard():
    """There is nothing to be masked, and nothing is."""
    assert collected({**ABOUT, "rating": 5}).record(OPINIONS).comment is None


@pytest.mark.parametrize(
    ("body", "headers", "source"),
    [
        (ABOUT, IDENTITY, "shop-ui"),
        ({**ABOUT, "source": "backend"}, IDENTITY, "backend"),
        (ABOUT, (), f"t.{REQUESTS.name}"),
        ({"app": "shop", "interaction_id": "t.interactions:0:4"}, (), f"t.{INTERACTIONS.name}"),
    ],
)
def test_whose_it_is_about(body, headers, source):
    """Feedback names the source, or shares it; where nobody named one, the topics stand in for each other."""
    assert collected({**body, "thumb": "up"}, headers).record(OPINIONS).about_source == source


def test_what_ends_in_a_dead_letter():
    """An unreadable body and an app that no policy serves are told by code and field."""
    assert reason(collected(b"{")) == ("MALFORMED_JSON", "value")
    assert reason(collected({**ABOUT, "app": "nobody", "thumb": "up"})) == ("UNKNOWN_APP", "app")


def test_a_guard_that_fails_is_a_finding():
    """The vote is kept, the comment masked, and what could not be judged said."""
    opinion = collected({**ABOUT, "thumb": "up", "comment": "I am Ann, boom"}).record(OPINIONS)
    assert (opinion.sentiment, opinion.comment.text) == ("positive", "I am <NAME>, boom")
    assert "error" in {finding.kind for finding in opinion.comment.findings}


def test_one_batch_ends_message_by_message():
    """Votes, comments and the unreadable keep their places."""
    stage = loaded("collect", surroundings(POLICY))
    bodies = [{**ABOUT, "thumb": "up"}, b"{", {**ABOUT, "comment": "I am Ann"}, {**ABOUT, "comment": "fine"}]
    found = stage.process([arriving(FEEDBACK, body, IDENTITY, offset) for offset, body in enumerate(bodies)])
    assert [each.topic for (each,) in found] == ["t.opinions", "t.feedback.dlq", "t.opinions", "t.opinions"]
    texts = [json.loads(each.message.value).get("comment") for (each,) in found if each.topic == "t.opinions"]
    assert [text and text["text"] for text in texts] == [None, "I am <NAME>", "fine"]


def test_twice_is_the_same():
    """The same message has the same opinion whenever it is processed."""
    message = Message("t.feedback", 1, 5, ARRIVED, b"c", json.dumps({**ABOUT, "thumb": "up"}).encode(), IDENTITY)
    first, second = (caused(loaded("collect", surroundings(POLICY)), message).publications for _ in range(2))
    assert first == second


def test_the_client_takes_a_reply():
    """A reply brings its id and its conversation; an interaction is named."""
    said = feedback_of("shop", reply(), None, {"thumb": "up"})
    assert (said.request_id, said.conversation, said.thumb) == ("e1", "c1", "up")
    assert feedback_of("shop", None, "i-1", {"rating": 2}).about == "interaction"
    with pytest.raises(TypeError, match="stars"):
        feedback_of("shop", "r", None, {"stars": 2})


def test_the_gateway_takes_a_completion_by_its_id():
    """The id as OpenAI's clients have it is the request's."""
    assert validate({"id": "chatcmpl-r-1", "thumb": "up"}, FeedbackRequest).about == "r-1"
    assert validate({"request_id": "r-1", "thumb": "up"}, FeedbackRequest).about == "r-1"


def test_a_line_with_a_thumb_is_feedback():
    """`weir send` tells by the body where it belongs."""
    assert pack(json.dumps({**ABOUT, "thumb": "up"}).encode(), None).topic is FEEDBACK
    assert pack(b'{"app": "a", "prompt": "x"}', None).topic is INTERACTIONS
