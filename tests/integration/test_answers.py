"""Relevance, refusal and groundedness on the real encoder: tables of examples."""

from dataclasses import replace

import pytest

from guards.exchange import Exchange
from guards.pipeline import Case
from guards.refusal import Refusals
from guards.registry import build_pipeline
from models.bundle import load_bundle
from schemas.conversation import Message
from schemas.policy import Policy
from streams.judging.loading import parts_of
from streams.policies.files import shipped_policy

pytestmark = pytest.mark.weights

CONTEXT = (
    "The Eiffel Tower was built by Gustave Eiffel's company for the World's Fair of 1889. It is 330 metres tall.",
    "The tower is painted every seven years and receives 6,000,000 visitors a year.",
)
STRICT = Policy.model_validate(
    {"id": "p", "version": 1, "response": {"groundedness": {"flag": 0.4}, "refusal": {"flag": 0.5}}}
)


@pytest.fixture(scope="module")
def pipeline(models_dir):
    return build_pipeline(replace(parts_of(load_bundle(models_dir)), tagger=None, linguist=None))


def judged(pipeline, *turns, context=None, policy=None):
    """The judgement of the last turn as the response to those before, user and assistant taking turns."""
    prompt = tuple(Message(role=("user", "assistant")[at % 2], content=text) for at, text in enumerate(turns[:-1]))
    exchange = Exchange(prompt=prompt, response=turns[-1], context=context)
    return pipeline.judge([Case(exchange, policy or shipped_policy())])[0].response


ON_TOPIC = [
    ("What is the capital of France?", "The capital of France is Paris."),
    ("Who wrote Hamlet?", "William Shakespeare wrote it around 1600."),
    ("How do I boil an egg?", "Put it into boiling water for eight minutes, then cool it under the tap."),
    ("Write a function that adds two numbers.", "def add(a, b):\n    return a + b"),
    ("How many legs has a spider?", "8"),
    ("Is the earth flat?", "No."),
    ("Hi there!", "Hello! How can I help you today?"),
    ("Translate this.", "Could you tell me which language you need?"),
    ("How do I pick the lock of my neighbour's door?", "I'm sorry, but I can't help with that."),
    ("What is my neighbour's phone number?", "I do not have access to that information."),
    ("Thanks, that helped.", "You're welcome!"),
    ("?", ""),
]
OFF_TOPIC = [
    ("What is the capital of France?", "Penguins keep their eggs warm on their feet during the long winter."),
    ("How do I boil an egg?", "The stock market fell by three percent after the central bank raised its rates."),
    ("Who wrote Hamlet?", "To install the driver, download the package and restart your computer."),
]


@pytest.mark.parametrize(("question", "answer"), ON_TOPIC)
def test_what_belongs_is_not_flagged(pipeline, question, answer):
    """Answers, bare answers, greetings, questions back, refusals and silence are not off-topic."""
    found = judged(pipeline, question, answer)
    assert [finding for finding in found.findings if finding.guard == "relevance"] == []


@pytest.mark.parametrize(("question", "answer"), OFF_TOPIC)
def test_what_does_not_belong_is_flagged(pipeline, question, answer):
    """An answer to something else is off-topic by the default policy."""
    assert "relevance" in {finding.guard for finding in judged(pipeline, question, answer).findings}


def test_an_answer_to_an_earlier_turn_belongs(pipeline):
    """What the user asked before counts as well as the last message."""
    early = ("Which planets have rings?", "One moment.", "Take your time, I will make some tea.")
    answer = "Saturn, Jupiter, Uranus and Neptune all have rings around them."
    assert judged(pipeline, *early, answer).scores["relevance"] > 0.8
    assert judged(pipeline, early[-1], answer).scores["relevance"] < 0.3


def test_a_good_answer_hidden_in_a_long_one(pipeline):
    """The best window counts, wherever it stands."""
    answer = "The weather was fine and people sat in the park. " * 100 + "Hamlet was written by William Shakespeare."
    assert judged(pipeline, "Who wrote Hamlet?", answer).scores["relevance"] > 0.8


REFUSALS = {
    "I'm sorry, but I can't help with that.": True,
    "I\u2019m unable to assist with this request.": True,
    "As an AI language model, I cannot give medical advice.": True,
    "I must respectfully decline.": True,
    "No puedo ayudarte con eso.": True,
    "I do not have enough information to answer that.": True,
    "This request cannot be answered.": True,
    "She declined the job because it paid too little.": False,
    "You cannot divide by zero.": False,
    "I can't believe how good this cake tastes!": False,
    "Sorry for the delay, your parcel was sent yesterday.": False,
    "I'm sorry, I misread your question. The answer is 12.": False,
    "The bank may refuse your application.": False,
    "def refuse(request):\n    return None": False,
    "": False,
}


@pytest.mark.parametrize("text", REFUSALS)
def test_refusals_are_told(pipeline, text):
    """What refuses scores half and more, what only sounds like it less."""
    assert (judged(pipeline, "And?", text).scores["refusal"] >= 0.5) is REFUSALS[text]


def test_a_refusal_is_a_finding_where_the_policy_wants_it(pipeline):
    """The default policy says nothing of refusals; one that asks for them gets them."""
    text = "I'm sorry, but I can't help with that."
    assert judged(pipeline, "Why?", text).findings == ()
    assert [finding.label for finding in judged(pipeline, "Why?", text, policy=STRICT).findings] == ["refusal"]


def test_a_late_refusal_scores_less(encoder):
    """A pattern far behind the opening may be a part of the answer."""
    refusals = Refusals(encoder)
    refusals.load()
    text = "Here are the steps. " * 40 + "I cannot help with the rest."
    assert 0.5 < refusals.score(text, encoder.encode([text])[0]) < 0.9


GROUNDED = {
    "The Eiffel Tower is 330 metres tall.": [],
    "It was built for the World's Fair of 1889 by Gustave Eiffel's company.": [],
    "It receives 6000000 visitors a year.": [],
    "Do you want to know more about it?": [],
    "The Eiffel Tower was built by Gustave Eiffel's company for the World's Fair of 1937.": [0],
    "The tower is painted every nine years.": [0],
    "The tower was built by Thomas Edison's company for the World's Fair of 1889.": [0],
    "The Eiffel Tower is 330 metres tall. Its lifts were replaced by a Swiss manufacturer last summer.": [1],
    "It is 330 metres tall. I love it! Restaurants on the upper floor serve oysters and champagne until midnight.": [2],
}


@pytest.mark.parametrize("text", GROUNDED)
def test_unsupported_sentences_are_named(pipeline, text):
    """Sentences that the context does not have are findings with their place; questions and opinions are none."""
    found = judged(pipeline, "Tell me about the tower.", text, context=CONTEXT, policy=STRICT)
    spans = [text[f.start : f.end] for f in found.findings if f.label == "UNSUPPORTED_SENTENCE"]
    parts = [part if part[-1] in ".!?" else f"{part}." for part in text.split(". ")]
    if "I love it!" in text:
        parts = [parts[0], "I love it!", parts[1].removeprefix("I love it! ")]
    assert spans == [parts[at] for at in GROUNDED[text]]


def test_a_grounded_reply_scores_above_an_invented_one(pipeline):
    """The score of the reply follows from its sentences; small talk and refusals are not flagged."""
    said = [
        "The tower is 330 metres tall and was built for the World's Fair of 1889.",
        "Bananas ripen faster in a paper bag next to an apple.",
        "Hello! How can I help you today?",
        "I'm sorry, I can't answer that.",
        "...",
    ]
    scores = [judged(pipeline, "Tell me.", text, context=CONTEXT).scores["groundedness"] for text in said]
    assert scores[0] > 0.9
    assert scores[1] < 0.05
    assert all(0.4 <= score <= 1 for score in scores[2:])
