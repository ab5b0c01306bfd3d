"""Which guards judge by a policy that chooses another model, and what happens when it cannot be had."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from guards.choices import RETRY_SECONDS, Choices
from guards.exchange import Exchange
from guards.oversight import Oversight, Unwatched
from guards.pipeline import Case, Pipeline
from guards.registry import ALTERNATIVES, GUARDS, refuse_unknown_names
from schemas.conversation import Message
from schemas.errors import Code, ConfigError, UnavailableError
from schemas.policy import Policy
from tests.fixtures.guards import CountingEncoder, SpanGuard, WordGuard


def policy(model=None, **rules):
    models = {"toxicity": model} if model else {}
    rules = rules or {"toxicity": {"block": 0.5}}
    return Policy.model_validate({"id": "p", "version": 1, "models": models, "prompt": rules})


def case(text, by):
    return Case(Exchange(prompt=(Message(role="user", content=text),)), by)


class OtherGuard(WordGuard):
    """Finds another word than the built-in guard, under the same name."""

    version = "other@2"

    def __init__(self):
        super().__init__(word="awful")

    def needs(self, passage):
        return ()

    def read(self, passages, features):
        return super().read(passages, {passage.text: () for passage in passages})


@pytest.fixture
def built_in():
    return WordGuard()


@pytest.fixture
def other():
    return OtherGuard()


@pytest.fixture
def pipeline(built_in, other):
    return Pipeline([built_in, SpanGuard()], CountingEncoder(), {"toxicity": {"other": lambda: other}})


class Reporting(Unwatched):
    def __init__(self, reports):
        self.absent = lambda name, error: reports.append((name, type(error)))


def test_two_policies_in_one_batch(pipeline):
    """Each case is judged by the model of its own policy, whatever the others in the batch choose."""
    texts = ("bad", "awful", "bad", "awful")
    policies = (policy(), policy(), policy("other"), policy("other"))
    judged = pipeline.judge([case(text, by) for text, by in zip(texts, policies, strict=True)])
    assert [judgement.action for judgement in judged] == ["block", "allow", "allow", "block"]
    assert [judgement.prompt.scores["toxicity"] for judgement in judged] == [0.9, 0.1, 0.1, 0.9]


def test_nothing_is_computed_that_no_case_needs(built_in, other):
    """A guard that no policy of the batch chose is not run, and its features are not computed."""
    encoder = CountingEncoder()
    pipeline = Pipeline([built_in], encoder, {"toxicity": {"other": lambda: other}})
    pipeline.judge([case("one", policy("other"))])
    assert (built_in.batches, other.batches, encoder.asked) == ([], [1], [])
    pipeline.judge([case("two", policy()), case("three", policy("other")), case("two", policy())])
    assert (built_in.batches, other.batches, encoder.asked) == ([1], [1, 1], ["two"])


def test_the_built_in_model_may_be_named(pipeline):
    """`built-in` is the model that a guard has without a choice."""
    assert pipeline.judge([case("bad", policy("built-in"))])[0].action == "block"
    assert pipeline.versions_for(policy("built-in")) == pipeline.versions_for(policy())


def test_versions_are_those_of_the_policy(pipeline):
    """A verdict can name the models that judged it."""
    assert pipeline.versions_for(policy()) == {"toxicity": "word@1", "pii": "span@1"}
    assert pipeline.versions_for(policy("other")) == {"toxicity": "other@2", "pii": "span@1"}


@pytest.mark.parametrize("guard", GUARDS)
def test_an_unknown_model_is_refused_by_name(guard):
    """A model that a guard does not have is a fault of the policy; the message names those that it has."""
    chosen = Policy.model_validate({"id": "shop", "version": 1, "models": {guard: "wizard"}})
    with pytest.raises(ConfigError) as caught:
        refuse_unknown_names([policy(), chosen])
    assert (caught.value.code, caught.value.field) == (Code.POLICY, f"models.{guard}")
    known = ", ".join(("built-in", *ALTERNATIVES.get(guard, ())))
    assert caught.value.message == f"policy shop: {guard} has no model 'wizard'; known: {known}"


def test_known_models_pass():
    """What the registry offers is accepted without being loaded."""
    refuse_unknown_names([policy(), policy("detoxify"), policy("built-in")])


def test_preparing_refuses_before_it_loads(built_in):
    """An unknown model anywhere stops all of it; a model that cannot be loaded is told as it is."""

    def unavailable():
        raise UnavailableError("the hub does not answer")

    pipeline = Pipeline([built_in], CountingEncoder(), {"toxicity": {"other": unavailable}})
    with pytest.raises(ConfigError, match="known: built-in, other"):
        pipeline.prepare([policy("other"), policy("wizard")])
    with pytest.raises(UnavailableError):
        pipeline.prepare([policy("other")])
    pipeline.prepare([policy(), policy("built-in")])


@pytest.mark.parametrize("model", ["other", "wizard"])
@pytest.mark.parametrize(("on_error", "action"), [(None, "block"), ("flag", "flag"), ("allow", "allow")])
def test_an_absent_model_is_never_a_silent_pass(model, on_error, action):
    """A policy at work whose model cannot be had gets an error finding, its fail mode, and a report of the reason."""

    def broken():
        raise ConfigError("no checkpoint", code=Code.MODEL_MISSING)

    reports = []
    pipeline = Pipeline(
        [WordGuard(), SpanGuard()],
        CountingEncoder(),
        {"toxicity": {"other": broken}},
        Oversight(Reporting(reports)),
    )
    by = policy(model, toxicity={"block": 0.5} | ({"on_error": on_error} if on_error else {}), pii={"flag": 0.5})
    judgements = pipeline.judge([case("bad Ann", by), case("bad", policy()), case("fine", by)])
    assert [judgement.action for judgement in judgements[1:]] == ["block", action]
    found = {(finding.guard, finding.kind, finding.label) for finding in judgements[0].prompt.findings}
    assert found == {("toxicity", "error", "GUARD_FAILED"), ("pii", "match", "NAME")}
    assert judgements[0].prompt.scores == {"toxicity": None}
    assert judgements[1].prompt.scores == {"toxicity": 0.9}
    assert [name for name, _ in reports] == [model]
    assert pipeline.versions_for(by)["toxicity"] == "unavailable"


def test_an_absent_model_is_tried_again_later(built_in, other):
    """A load that failed is not repeated for every batch, and is repeated in the end."""
    now = [0.0]
    attempts = []

    def load():
        attempts.append(now[0])
        if len(attempts) < 2:
            raise OSError
        return other

    choices = Choices([built_in], {"toxicity": {"other": load}}, clock=lambda: now[0])
    for seconds in (0.0, 1.0, RETRY_SECONDS - 1):
        now[0] = seconds
        assert choices.of(policy("other"))[0].version == "unavailable"
    now[0] = RETRY_SECONDS
    assert choices.of(policy("other")) == (other,)
    assert attempts == [0.0, RETRY_SECONDS]


def test_a_model_is_loaded_once(built_in, other):
    """Several threads that want a model at the same time share one."""
    attempts = []

    def load():
        attempts.append(1)
        return other

    choices = Choices([built_in], {"toxicity": {"other": load}})
    with ThreadPoolExecutor(8) as pool:
        chosen = list(pool.map(lambda _: choices.of(policy("other")), range(64)))
    assert set(chosen) == {(other,)}
    assert len(attempts) == 1


def test_what_is_at_hand_does_not_wait(built_in, other):
    """While one model is loaded, policies that chose another go on being judged."""
    loading, release = Event(), Event()

    def slow():
        loading.set()
        release.wait(30)
        return other

    choices = Choices([built_in], {"toxicity": {"other": lambda: other, "slow": slow}})
    choices.load([policy("other")])
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(choices.load, [policy("slow")])
        try:
            assert loading.wait(30)
            assert pool.submit(choices.of, policy("other")).result(60) == (other,)
            assert choices.of(policy()) == (built_in,)
        finally:
            release.set()
        waiting.result(60)
    assert choices.of(policy("slow")) == (other,)


def test_a_model_that_nobody_chose_is_not_loaded(built_in):
    """Loading costs seconds and memory: without a policy that wants it, it does not happen."""

    def load():
        raise AssertionError("loaded without need")

    pipeline = Pipeline([built_in], CountingEncoder(), {"toxicity": {"other": load}})
    pipeline.prepare([policy()])
    assert pipeline.judge([case("bad", policy())])[0].action == "block"
