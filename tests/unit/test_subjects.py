from dataclasses import replace

import pytest

from guards.choices import Choices
from guards.exchange import Exchange
from guards.pipeline import Case, Pipeline
from guards.registry import build_pipeline
from models.bundle import load_bundle
from schemas.conversation import Message
from schemas.errors import ConfigError
from schemas.policy import Policy
from schemas.policy_file import parse_policy
from streams.judging.loading import parts_of
from tests.fixtures.guards import CountingEncoder

YAML = """\
id: clinic
version: 1
subjects:
  forbidden:
    medical-advice:
      - What dose of ibuprofen can I take?
      - Which drug helps against high blood pressure?
      - What are the side effects of this medicine?
      - I have a rash on my arm, what could it be?
      - Can I take these two tablets together?
      - Should I see a doctor about my chest pain?
  allowed:
    travel:
      - Which train goes to Paris tomorrow morning?
      - How do I book a flight to Rome?
      - What is there to see in Lisbon?
      - Is there a hotel near the station?
      - How long does the ferry take to the island?
prompt:
  subjects: {flag: 0.8, labels: {off_subject: {flag: 0.6}}}
"""


@pytest.fixture
def policy():
    return parse_policy(YAML, "clinic.yaml")


@pytest.fixture(scope="module")
def pipeline(models_dir):
    return build_pipeline(replace(parts_of(load_bundle(models_dir)), tagger=None, linguist=None))


def labels(pipeline, policy, text, role="user"):
    (judgement,) = pipeline.judge([Case(Exchange(prompt=(Message(role=role, content=text),)), policy)])
    return {finding.label for finding in judgement.prompt.findings if finding.guard == "subjects"}


FORBIDDEN, OFF = "subject:medical-advice", "off_subject"
EXAMPLES = {
    "Which pills are safe against pain when I am pregnant?": {FORBIDDEN, OFF},
    "What medicine should I use for a sore throat?": {FORBIDDEN, OFF},
    "Which bus takes me from the airport to the old town?": set(),
    "Where can I stay for two nights in Madrid?": set(),
    "Write a Python function that sorts a list of numbers.": {OFF},
    "Who won the chess championship in 1972?": {OFF},
    "Yes, please.": set(),
    "👍": set(),
    "": set(),
}


@pytest.mark.weights
@pytest.mark.parametrize("text", EXAMPLES)
def test_subjects(pipeline, policy, text):
    """A forbidden subject is named, what is on no allowed one is off; small talk is neither."""
    assert labels(pipeline, policy, text) == EXAMPLES[text]


@pytest.mark.weights
def test_a_subject_in_the_last_window(pipeline, policy):
    """Behind a long text about something allowed, a forbidden subject is found, with its place."""
    before = "We took the train to Paris and stayed at a small hotel near the station. " * 60
    text = before + "What dose of ibuprofen can I take against my headache?"
    (judgement,) = pipeline.judge([Case(Exchange(prompt=(Message(role="user", content=text),)), policy)])
    (found,) = [finding for finding in judgement.prompt.findings if finding.label == FORBIDDEN]
    assert found.start >= len(before) - 900


@pytest.mark.weights
def test_what_the_application_says_is_trusted(pipeline, policy):
    """A system message may speak of anything."""
    assert labels(pipeline, policy, "What dose of ibuprofen can I take?", role="system") == set()


@pytest.mark.weights
def test_policies_without_subjects_have_no_such_scores(pipeline, policy):
    """In one batch, each policy is judged by its own subjects only."""
    exchange = Exchange(prompt=(Message(role="user", content="What dose of ibuprofen can I take?"),))
    plain = Policy(id="plain", version=1)
    one, other = (each.prompt.scores for each in pipeline.judge([Case(exchange, policy), Case(exchange, plain)]))
    assert one.keys() - other.keys() == {FORBIDDEN, OFF}


def test_examples_are_encoded_once(policy):
    """The first batch of a policy's version encodes its examples, the next does not; a new policy shares them."""
    encoder = CountingEncoder()
    pipeline = Pipeline([], encoder)
    newer = policy.model_copy(update={"version": 2})
    for at, each in enumerate((policy, policy, newer)):
        text = f"some text of number {at}"
        pipeline.judge([Case(Exchange(prompt=(Message(role="user", content=text),)), each)])
    assert len(encoder.asked) == 3 + 11
    assert Choices([], {}).of(policy)[0].labels == (FORBIDDEN, OFF)


FAULTS = {
    YAML.replace("What dose of ibuprofen can I take?", '"..."'): "clinic.yaml:6: subjects.forbidden.medical-advice.0: ",
    YAML.replace("medical-advice", "Medical Advice"): "clinic.yaml:5: subjects.forbidden.Medical Advice: ",
    YAML.replace("forbidden:", "forbiden:"): "clinic.yaml:4: subjects.forbiden: no such key; did you mean forbidden?",
    YAML.replace("travel:", "medical-advice:"): "clinic.yaml:3: subjects: medical-advice is both forbidden and allowed",
    "id: a\nversion: 1\nprompt:\n  subjects: {flag: 0.8}\n": "clinic.yaml:4: prompt.subjects: the policy names none",
    "id: a\nversion: 1\nsubjects:\n  forbidden:\n    tax: []\n": "clinic.yaml:5: subjects.forbidden.tax: ",
}


@pytest.mark.parametrize("text", FAULTS)
def test_faults_are_named_by_line(text):
    """What is wrong with a policy's subjects is said with file, line and key."""
    with pytest.raises(ConfigError) as caught:
        parse_policy(text, "clinic.yaml")
    assert FAULTS[text] in str(caught.value)
