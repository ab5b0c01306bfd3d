import pytest

from guards.exchange import Exchange
from guards.guard import Side
from guards.pipeline import Case, Pipeline
from guards.refusal import Refusals
from guards.relevance import RelevanceGuard
from schemas.conversation import Message
from schemas.policy import Policy
from tests.fixtures.guards import CountingEncoder, SpanGuard, WordGuard

POLICY = Policy.model_validate(
    {
        "id": "p",
        "version": 1,
        "max_chars": 200,
        "prompt": {"toxicity": {"flag": 0.5, "block": 0.8}, "pii": {"redact": 0.5}},
        "response": {"toxicity": {"flag": 0.5}, "pii": {"flag": 0.5}},
    }
)


def user(*texts, role="user"):
    return tuple(Message(role=role, content=text) for text in texts)


@pytest.fixture
def encoder():
    return CountingEncoder()


@pytest.fixture
def pipeline(encoder):
    return Pipeline([WordGuard(), SpanGuard()], encoder)


def judge(pipeline, exchange, policy=POLICY):
    return pipeline.judge([Case(exchange, policy)])[0]


def test_the_worst_side_decides(pipeline):
    """The top action is the strictest of the sides, a side's that of its findings."""
    judgement = judge(pipeline, Exchange(prompt=user("bad"), response="Ann"))
    assert (judgement.action, judgement.prompt.action, judgement.response.action) == ("block", "block", "flag")


def test_a_clean_exchange_is_allowed(pipeline):
    """Scores are reported without findings; what was not given is absent."""
    judgement = judge(pipeline, Exchange(prompt=user("fine")))
    assert (judgement.action, judgement.prompt.findings) == ("allow", ())
    assert judgement.prompt.scores == {"toxicity": 0.1}
    assert judgement.response is None
    assert judgement.context is None


def test_offsets_count_in_the_joined_messages(pipeline):
    """With several messages, spans count code points of their contents joined by newlines."""
    judgement = judge(pipeline, Exchange(prompt=user("👋🏽 hello", "I am Ann, bad")))
    text = "👋🏽 hello\nI am Ann, bad"
    spans = {f.label: text[f.start : f.end] for f in judgement.prompt.findings}
    assert spans == {"NAME": "Ann", "toxicity": "bad"}
    assert judgement.prompt.text == "👋🏽 hello\nI am <NAME>, bad"


def test_what_is_allowed_is_reported_and_masked(pipeline):
    """A label that the policy only allows is a finding and masked, and changes no action."""
    rule = {"redact": 0.5, "labels": {"NAME": {"allow": 0.5}}}
    policy = Policy.model_validate({"id": "p", "version": 1, "prompt": {"pii": rule}})
    side = judge(pipeline, Exchange(prompt=user("Ann")), policy).prompt
    assert [(f.label, f.action, f.threshold) for f in side.findings] == [("NAME", "allow", 0.5)]
    assert (side.action, side.text) == ("allow", "<NAME>")


def test_masking_does_not_depend_on_the_action(pipeline):
    """Personal data is masked in the text even where the policy only flags it, or leaves the guard off."""
    assert judge(pipeline, Exchange(response="Ann")).response.text == "<NAME>"
    off = Policy(id="off", version=1)
    judgement = judge(pipeline, Exchange(response="Ann"), off)
    assert (judgement.response.text, judgement.response.findings) == ("<NAME>", ())


def test_an_ignored_label_is_left_alone():
    """A label that the policy ignores is neither found nor masked."""
    policy = Policy.model_validate({"id": "p", "version": 1, "prompt": {"pii": {"redact": 0.5, "ignore": ["NAME"]}}})
    judgement = judge(Pipeline([SpanGuard()], CountingEncoder()), Exchange(prompt=user("Ann")), policy)
    assert (judgement.prompt.text, judgement.action) == ("Ann", "allow")


def test_scores_of_guards_that_are_off():
    """A guard that the policy leaves off still scores, and never finds."""
    judgement = judge(
        Pipeline([WordGuard()], CountingEncoder()), Exchange(prompt=user("bad")), Policy(id="o", version=1)
    )
    assert (judgement.action, judgement.prompt.scores) == ("allow", {"toxicity": 0.9})


@pytest.mark.parametrize("trouble", ["boom", "nan", "poison"])
def test_a_failing_guard_is_a_finding(pipeline, trouble):
    """A guard that raises, returns nonsense or lacks its features is an error finding with the policy's fail mode."""
    judgement = judge(pipeline, Exchange(prompt=user(trouble)))
    (finding,) = judgement.prompt.findings
    assert (finding.kind, finding.guard, finding.label, finding.score) == ("error", "toxicity", "GUARD_FAILED", None)
    assert judgement.prompt.scores == {"toxicity": None}
    assert judgement.action == "block"  # it may block, so its failure does


@pytest.mark.parametrize("trouble", ["boom", "poison"])
def test_neighbours_of_a_poisonous_text_are_judged(pipeline, trouble):
    """One text that breaks a guard or the encoder costs no other text in the batch its judgement."""
    texts = ["fine", "bad", trouble, "bad too", "good"]
    judgements = pipeline.judge([Case(Exchange(prompt=user(text)), POLICY) for text in texts])
    assert [j.action for j in judgements] == ["allow", "block", "block", "block", "allow"]
    assert [j.prompt.scores["toxicity"] is None for j in judgements] == [False, False, True, False, False]


def test_a_text_that_could_not_be_searched_is_withheld(pipeline):
    """When the guard for personal data fails, the text is not passed on unmasked."""
    judgement = judge(pipeline, Exchange(response="Ann leak-boom"))
    assert judgement.response.text == "<WITHHELD>"


def test_too_long_is_never_half_judged(pipeline, encoder):
    """A text above the limit reaches no guard: every guard reports an error, all scores are null, the text is gone."""
    judgement = judge(pipeline, Exchange(prompt=user("bad " * 100), response="fine"))
    assert judgement.action == "block"
    assert {f.label for f in judgement.prompt.findings} == {"TOO_LONG"}
    assert judgement.prompt.scores == {"toxicity": None}
    assert judgement.prompt.text == "<TOO_LONG>"
    assert judgement.response.action == "allow"
    assert encoder.asked == ["fine"]


def test_a_short_answer_to_an_endless_question():
    """A question above the limit is not encoded for its answer's sake: relevance is an error, not a guess."""
    refusals = Refusals(CountingEncoder())
    refusals.load()
    encoder = CountingEncoder()
    pipeline = Pipeline([RelevanceGuard(refusals, "e")], encoder)
    judgement = judge(pipeline, Exchange(prompt=user("why " * 100), response="because"))
    assert judgement.response.scores == {"relevance": None}
    assert judgement.response.findings[0].label == "TOO_LONG"
    assert encoder.asked == ["because"]


def test_identical_texts_are_read_once(pipeline, encoder):
    """The encoder sees each distinct text of a batch once."""
    pipeline.judge([Case(Exchange(prompt=user("same")), POLICY)] * 5)
    assert encoder.asked == ["same"]


def test_every_context_passage_is_judged(encoder):
    """Each context passage has a judgement of its own, in order; an empty context is an empty list."""
    pipeline = Pipeline([WordGuard("injection", "ignore", sides=(Side.CONTEXT,)), SpanGuard()], encoder)
    judgement = judge(pipeline, Exchange(response="x", context=("fine", "ignore Ann")))
    assert [side.scores for side in judgement.context] == [{"injection": 0.1}, {"injection": 0.9}]
    assert judgement.context[1].text == "ignore <NAME>"
    assert judge(pipeline, Exchange(response="x", context=())).context == ()


def test_nothing_to_judge(pipeline):
    """No case gives no judgement."""
    assert pipeline.judge([]) == []
