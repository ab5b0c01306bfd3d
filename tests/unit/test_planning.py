"""Which model a conversation has."""

from collections import Counter
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.conversation import Request
from schemas.policy import Policy
from schemas.serving import Plan, Serving
from streams.judging.planning import Planner

ARMS = {"a": {"model": "m-a", "share": 0.3}, "b": {"model": "m-b", "share": 0.2}}


def policy(**serving):
    return Policy.model_validate({"id": "p", "version": 1, "apps": ["shop"], "serving": serving})


def request(model=None):
    return Request(app="shop", messages=[{"role": "user", "content": "Hi"}], model=model)


@pytest.mark.parametrize(
    ("serving", "model", "models"),
    [
        ({}, None, None),
        ({}, "m", ("m",)),
        ({"model": "m"}, None, ("m",)),
        ({"model": "m", "fallback": "f"}, None, ("m", "f")),
        ({"fallback": "f"}, None, ("default", "f")),
        ({"model": "m", "fallback": "f"}, "x", ("x", "f")),
        ({"model": "m", "fallback": "m"}, None, ("m",)),
    ],
)
def test_the_models_that_are_asked(serving, model, models):
    """The request's own, else the policy's, and then the fallback; none where any will do."""
    plan = Planner(b"k").plan(policy(**serving), request(model), "c")
    assert (plan.models if plan else None) == models


def test_conversations_are_divided_by_the_shares():
    """Each has its arm's model and keeps it; the rest has the policy's, within four standard errors."""
    planner, rules = Planner(b"k"), policy(model="m", arms=ARMS)
    plans = [planner.plan(rules, request(), f"c-{n}") for n in range(20_000)]
    assert plans == [planner.plan(rules, request(), f"c-{n}") for n in range(20_000)]
    counts = Counter((plan.arm, plan.models) for plan in plans)
    expected = {("a", ("m-a",)): 0.3, ("b", ("m-b",)): 0.2, (None, ("m",)): 0.5}
    assert counts.keys() == expected.keys()
    for key, share in expected.items():
        assert abs(counts[key] - 20_000 * share) < 4 * sqrt(20_000 * share * (1 - share))


def test_another_salt_and_another_secret_draw_anew():
    """The overlap of two draws is that of chance, so nobody stays in an arm from experiment to experiment."""
    one = [Planner(b"k").arm(policy(arms=ARMS), request(), f"c-{n}") for n in range(10_000)]
    for planner, rules in ((Planner(b"k"), policy(arms=ARMS, salt="2")), (Planner(b"other"), policy(arms=ARMS))):
        other = [planner.arm(rules, request(), f"c-{n}") for n in range(10_000)]
        both = sum(mine == yours == "a" for mine, yours in zip(one, other, strict=True))
        assert abs(both - 900) < 4 * sqrt(900)


def test_a_request_that_names_its_model_is_in_no_arm():
    """A comparison of what applications chose themselves would compare applications."""
    assert Planner(b"k").plan(policy(arms=ARMS), request("m-a"), "c") == Plan(models=("m-a",))


def test_a_share_of_the_conversations_has_a_model_on_trial():
    """The stated share, within four standard errors, the same in every arm, and always the same conversations."""
    planner, rules = Planner(b"k"), policy(arms=ARMS, shadow={"model": "m-s", "share": 0.4})
    names = [f"c-{n}" for n in range(20_000)]
    plans = [planner.shadow(rules, request(), name) for name in names]
    assert plans == [planner.shadow(rules, request(), name) for name in names]
    assert {plan for plan in plans if plan} == {Plan(models=("m-s",), shadow="m-s")}
    arms = [planner.arm(rules, request(), name) for name in names]
    counts = Counter((arm, plan is not None) for arm, plan in zip(arms, plans, strict=True))
    for arm in ("a", "b", None):
        every = counts[arm, True] + counts[arm, False]
        assert abs(counts[arm, True] - 0.4 * every) < 4 * sqrt(every * 0.24)


def test_nobody_has_a_model_on_trial_who_names_one():
    """Nor where the policy has none."""
    whole = policy(shadow={"model": "m-s", "share": 1})
    assert Planner(b"k").shadow(whole, request(), "c") is not None
    assert Planner(b"k").shadow(whole, request("m"), "c") is None
    assert Planner(b"k").shadow(policy(), request(), "c") is None


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 12))
def test_arms_that_share_all_leave_nobody_out(draw, count):
    """Whatever is lost to rounding belongs to the last arm."""
    arms = {f"arm-{n:02}": {"model": "m", "share": 1 / count} for n in range(count)}
    assert Serving.model_validate({"arms": arms}).arm_at(draw) in arms


def test_shares_that_come_to_more_than_one_are_refused():
    """The error says what they come to."""
    with pytest.raises(ValidationError, match=r"1\.2"):
        Serving.model_validate({"arms": {"a": {"model": "m", "share": 0.7}, "b": {"model": "n", "share": 0.5}}})
