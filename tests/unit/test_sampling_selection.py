"""Strata of the review sample: which one a judgement is in, and how far scores are from thresholds."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from monitors.sampling import Sampler
from schemas.errors import ConfigError
from schemas.policy import Policy
from schemas.policy_file import parse_policy
from schemas.verdict import Judgement
from streams.sampling.plans import NoPlans
from streams.sampling.selection import Selector, distance, stratum_of
from tests.fixtures.store_rows import finding, side

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
STRATA = [
    {"name": "held", "actions": ["hold"], "rate": 1.0},
    {"name": "answers", "stages": ["judge"], "actions": ["flag"], "rate": 0.5},
    {"name": "unsure", "scores": {"injection": {"low": 0.4, "high": 0.6}}, "rate": 0.4},
    {"name": "near", "near": 0.1, "rate": 0.3},
]


def policy(**changes):
    values = {
        "id": "p", "version": 1,
        "prompt": {"toxicity": {"flag": 0.6, "labels": {"threat": {"block": 0.3}}}, "pii": {"redact": 0.5}},
        "response": {"relevance": {"flag": 0.2}},
        "sampling": {"review": 0.01, "strata": STRATA, "second": 0.0},
    }  # fmt: skip
    return Policy.model_validate({**values, **changes})


def judged(action="allow", prompt=None, response=None, context=None):
    sides = {
        name: side(scores=scores) for name, scores in (("prompt", prompt), ("response", response)) if scores is not None
    }
    return Judgement(action=action, **sides, context=context)


@pytest.mark.parametrize(
    ("stage", "judgement", "expected"),
    [
        ("screen", judged("hold", prompt={"toxicity": 0.6}), "held"),
        ("judge", judged("flag"), "answers"),
        ("observe", judged("flag"), None),
        ("observe", judged(prompt={"injection": 0.6}), "unsure"),
        ("observe", judged(prompt={"injection": 0.61}), None),
        ("observe", judged(context=(side(scores={"injection": 0.5}),)), "unsure"),
        ("observe", judged(prompt={"injection": None}), None),
        ("observe", judged(prompt={"toxicity": 0.51}), "near"),
        ("observe", judged(prompt={"toxicity": 0.49}), None),
        ("observe", judged(prompt={"threat": 0.25}), "near"),
        ("observe", judged(response={"relevance": 0.25}), "near"),
        ("observe", judged(response={"toxicity": 0.6}), None),
        ("observe", judged(), None),
    ],
)
def test_the_first_stratum_that_takes_it_in(stage, judgement, expected):
    """Stage, action, score bands and nearness decide, in the policy's order; all conditions of a stratum must hold."""
    found = stratum_of(stage, policy(), judgement)
    assert (found.name if found else None) == expected


def test_spans_near_their_threshold():
    """A span that just passed is near; what has no threshold is as far as can be."""
    spans = (finding(score=0.55, threshold=0.5), finding(score=None, threshold=None, kind="error"))
    assert distance(policy(), Judgement(action="redact", prompt=side(scores={}, findings=spans))) == pytest.approx(0.05)
    assert distance(policy(), judged()) == 1.0


def test_ignored_labels_have_no_threshold():
    """A label that the policy ignores puts nothing near."""
    ignoring = policy(prompt={"toxicity": {"flag": 0.6, "ignore": ["toxicity"]}})
    assert distance(ignoring, judged(prompt={"toxicity": 0.6})) == 1.0


def test_a_share_of_each_stratum_is_drawn():
    """Of many verdicts, about the stated share is sampled, and of those about the stated share is read twice."""
    drawn = policy(sampling={"review": 0.2, "strata": STRATA, "second": 0.3})
    selector = Selector(Sampler(b"k", "review"), NoPlans())

    def select(number, judgement):
        return selector.select(UUID(int=number), "observe", drawn, judgement, NOON)

    rest = [select(n, judged()) for n in range(4_000)]
    assert {(each.stratum, each.probability) for each in rest} == {("rest", 0.2)}
    sampled = [each for each in rest if each.sampled]
    assert 700 < len(sampled) < 900
    assert 0.25 < sum(each.readings == 2 for each in sampled) / len(sampled) < 0.35
    assert all(select(n, judged("hold")).sampled for n in range(100))
    assert rest[7] == select(7, judged())


@pytest.mark.parametrize(
    ("sampling", "fault"),
    [
        ("{strata: [{name: a, rate: 1}, {name: a, rate: 0}]}", "two strata are called a"),
        ("{strata: [{name: rest, rate: 1}]}", "two strata are called rest"),
        ("{strata: [{name: a, rate: 2}]}", "sampling.strata.0.rate"),
        ("{strata: [{name: a, rate: 1, nears: 1}]}", "did you mean near?"),
        ("{strata: [{name: a, rate: 1, scores: {x: {low: 0.5, high: 0.4}}}]}", "low should not be above high"),
        ("{daily: 0}", "sampling.daily"),
    ],
)
def test_faults_are_named(sampling, fault):
    """What cannot be meant is refused with its line."""
    with pytest.raises(ConfigError, match=r"f\.yaml:3") as caught:
        parse_policy(f"id: p\nversion: 1\nsampling: {sampling}\n", "f.yaml")
    assert fault in str(caught.value)
