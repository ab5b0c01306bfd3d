"""Where texts are on the map of topics: which text counts, and when there is nothing to say."""

import pytest

from guards.exchange import Exchange
from guards.guard import Side
from guards.pipeline import Case, Describers, Pipeline
from guards.registry import refuse_unknown_names
from guards.topics import Place
from schemas.conversation import Message
from schemas.errors import ConfigError
from schemas.policy import Policy
from tests.fixtures.guards import CountingEncoder, FirstWord, SpanGuard, WordGuard

POLICY = Policy.model_validate({"id": "p", "version": 1, "max_chars": 40, "languages": {"supported": ["fr"]}})


class Lengths:
    """Takes the last code point of a text for its topic."""

    version = "lengths@1"

    def place(self, features):
        return Place(f"t{features.spans[0, 1]}", 0.25) if len(features.spans) else None


def judge(*messages, guard=None, **case):
    prompt = tuple(Message(role="user", content=text) for text in messages)
    guards = [guard or WordGuard(sides=(Side.PROMPT,)), SpanGuard()]
    pipeline = Pipeline(guards, CountingEncoder(), describers=Describers(FirstWord(), Lengths()))
    return pipeline.judge([Case(Exchange(prompt=prompt, response="en yes"), POLICY, **case)])[0], pipeline


def test_the_last_message_counts():
    """A prompt is about what was said last; the map's version is told with those of the guards."""
    judgement, pipeline = judge("en something else", "en hello")
    assert (judgement.prompt.topic, judgement.prompt.novelty) == ("t8", 0.25)
    assert pipeline.versions_for(POLICY)["topics"] == "lengths@1"


@pytest.mark.parametrize(
    ("text", "topic"),
    [("de hallo", None), ("fr salut", "t8"), ("? hm", "t4"), ("en poison", None), ("en " + "x" * 40, None)],
    ids=["unknown", "vouched", "untold", "lost", "long"],
)
def test_a_text_without_a_vector_of_meaning_has_no_topic(text, topic):
    """Another language, a text that the encoder fails on, and one too long are nowhere on the map."""
    side = judge(text)[0].prompt
    assert (side.topic, side.novelty is None) == (topic, topic is None)


def test_nothing_is_encoded_for_a_topic():
    """A side that no guard needs the vector of has none, nor has a part of a text."""
    judgement, _ = judge("en hello")
    assert judgement.response.topic is None
    assert judge("en hello", only=frozenset({"toxicity"}))[0].prompt.topic is None


def test_a_topic_that_is_not_on_the_map_is_refused():
    """A policy that watches one is told which there are."""
    known = POLICY.model_copy(update={"alarms": POLICY.alarms.model_copy(update={"topics": frozenset({"orders"})})})
    refuse_unknown_names([POLICY, known])
    wrong = POLICY.model_copy(update={"alarms": POLICY.alarms.model_copy(update={"topics": frozenset({"ordres"})})})
    with pytest.raises(ConfigError, match=r"no topic 'ordres'; known: accounts, .*orders"):
        refuse_unknown_names([wrong])
