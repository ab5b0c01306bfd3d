"""A plan grows with its traffic, and its ranges stay in order."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from schemas.errors import ConfigError
from streams.cli import app
from streams.plan.plan import make_plan
from streams.plan.profile import read_profile, shipped_profile, write_profile
from streams.plan.range import Range
from streams.plan.traffic import AppTraffic, Traffic, Words, read_traffic

EXAMPLE = Path(__file__).parents[2] / "deploy" / "plans" / "shop.yaml"
rates = st.floats(0, 5_000)


def needs(plan):
    return {need.process: need for need in plan.needs}


def ranges(value):
    """Every range inside some JSON."""
    if isinstance(value, dict):
        if set(value) == {"low", "likely", "high"}:
            yield value
        for each in value.values():
            yield from ranges(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from ranges(each)


@given(requests=rates, interactions=rates, more=st.floats(1, 10))
def test_more_traffic_never_needs_less(requests, interactions, more):
    """Every figure of a plan for more of the same traffic is at least as high."""
    plans = [
        make_plan(
            Traffic(
                apps=(AppTraffic(name="a", requests_per_second=requests * f, interactions_per_second=interactions * f),)
            ),
            shipped_profile(),
        )
        for f in (1, more)
    ]
    small, large = (list(ranges(json.loads(json.dumps(asdict(plan))))) for plan in plans)
    assert all(value["low"] <= value["likely"] <= value["high"] for value in (*small, *large))
    assert all(one[end] <= other[end] * (1 + 1e-9) for one, other in zip(small, large, strict=True) for end in one)


@given(median=st.floats(1, 500), spread=st.floats(1, 20))
def test_long_texts_count_for_more_than_their_share(median, spread):
    """The mean of lengths is never below their median, and the median where all are equal."""
    words = Words(median=median, p95=median * spread)
    assert words.mean >= median * (1 - 1e-9)
    assert Words(median=median, p95=median).mean == pytest.approx(median)


def test_a_plan_agrees_with_what_was_measured():
    """What one core guarded in docs/performance.md lies in the range of what the profile says it guards.

    52 interactions of 20 + 40 words per CPU-second in the guards alone, 54 in a worker.
    """
    app_ = AppTraffic(
        name="bench",
        interactions_per_second=1,
        prompt_words=Words(median=20, p95=20),
        response_words=Words(median=40, p95=40),
    )
    profile = shipped_profile()
    cost = profile.guard_seconds_per_event + profile.guard_seconds_per_word * 60
    assert 1 / cost.high < 52 < 1 / cost.low
    assert 1 / cost.likely == pytest.approx(53, rel=0.1)
    for events, workers in ((25, 1), (50, 2)):
        traffic = Traffic(apps=(app_.model_copy(update={"interactions_per_second": events}),), spare=0, utilisation=0.6)
        assert needs(make_plan(traffic, profile))["worker"].processes.likely == workers


def test_a_range_divides_by_the_slowest_for_the_most():
    """A hundred, done ten to fifty at a time, takes two to ten."""
    assert Range.exactly(100).per(Range(10, 20, 50)) == Range(2, 5, 10)
    assert Range(0.1, 1.0, 2.1).whole() == Range(1, 1, 3)


def test_the_example_is_planned(tmp_path):
    """As text it names every process and what is assumed; as JSON it has the same, and the rates behind it."""
    text = CliRunner().invoke(app, ["plan", str(EXAMPLE)])
    assert text.exit_code == 0, text.output
    for word in ("worker", "infer", "settle", "store", "Kafka's disks", "A month", "Assumed"):
        assert word in text.output
    result = json.loads(CliRunner().invoke(app, ["plan", str(EXAMPLE), "--json"]).output)
    assert {need["process"] for need in result["needs"]} == {"worker", "infer", "settle", "store"}
    assert result["profile"]["machine"] == shipped_profile().machine
    write_profile(shipped_profile(), tmp_path / "profile.json")
    assert read_profile(tmp_path / "profile.json") == shipped_profile()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("apps: []", "apps"),
        ("apps: [{name: a, request_per_second: 3}]", "apps.0.request_per_second"),
        ("apps: [{name: a, prompt_words: {median: 9, p95: 3}}]", "apps.0.prompt_words"),
        ("apps: [{name: a}]\nutilisation: 2", "utilisation"),
    ],
)
def test_a_wrong_traffic_file_is_refused_by_key(tmp_path, text, field):
    """The key that cannot be used is named."""
    path = tmp_path / "traffic.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_traffic(path)
    assert caught.value.field == field


def test_more_processes_than_partitions_are_warned_about():
    """Those that would stand idle are named with the topics' number of partitions."""
    traffic = Traffic(apps=(AppTraffic(name="a", interactions_per_second=2_000),))
    assert any(warning.startswith("worker:") for warning in make_plan(traffic, shipped_profile()).warnings)
