"""Estimates from reviewed samples hold what they promise, shown by simulation with fixed seeds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.estimates.agreement import cohen, krippendorff
from monitors.estimates.powered import Scored, powered_share
from monitors.estimates.readers import Gold, Pairs, corrected, error_rate, mistakes, symmetric, third_reads
from monitors.estimates.recall import recall
from monitors.estimates.strata import Stratum, guaranteed, share_of_all
from monitors.estimates.weighted import Drawn, horvitz_thompson
from monitors.intervals import ANYTHING, UNKNOWN, Estimate, Interval, clopper_pearson, share
from tests.simulations.coverage import powered, recalls, simple, stratified

strata = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 1000)).map(
        lambda t: Stratum(t[0] + t[1] + t[2], t[0] + t[1], t[0])
    ),
    max_size=5,
)


def covers(intervals, truth):
    return np.mean(
        [low <= t <= high for (low, high), t in zip(intervals, np.broadcast_to(truth, len(intervals)), strict=True)]
    )


@given(strata)
def test_limits_hold_the_value(parts):
    """Any strata: value and limits lie in [0, 1], the value inside; the guaranteed limits are no narrower."""
    found, sure = share_of_all(parts), guaranteed(parts)
    assert 0 <= found.interval.low <= found.interval.high <= 1
    if found.value is not None:
        assert found.interval.low - 1e-9 <= found.value <= found.interval.high + 1e-9
        assert sure.low - 1e-9 <= found.value <= sure.high + 1e-9


@given(st.integers(0, 30), st.integers(0, 30))
def test_one_small_sample_of_much_traffic_is_the_exact_interval(bad, more):
    """A single stratum with few found agrees with Clopper and Pearson where sampling without replacement is no help."""
    parts = [Stratum(10**12, bad + more, bad)]
    if bad + more and min(bad, more) < 5:
        exact = clopper_pearson(bad, bad + more)
        assert share_of_all(parts).interval.high == pytest.approx(exact.high, abs=1e-6)
        assert share_of_all(parts).interval.low == pytest.approx(exact.low, abs=1e-6)


def test_what_is_unknown_is_said_to_be():
    """No traffic or no review: no value and the whole of [0, 1]; everything read: no width."""
    assert share_of_all([]) == UNKNOWN
    assert share_of_all([Stratum(10, 0, 0)]) == UNKNOWN
    assert guaranteed([]) == ANYTHING
    read = share_of_all([Stratum(10, 10, 3)])
    assert read.interval.low == read.interval.high == read.value == pytest.approx(0.3)
    assert recall([Stratum(10, 0, 0)], [Stratum(100, 10, 0)]).value is None
    assert horvitz_thompson(Drawn(np.array([]), np.array([]), np.array([], bool))) == UNKNOWN


def test_more_bad_than_read_is_refused():
    """Counts that contradict each other are a bug of the caller."""
    with pytest.raises(ValueError, match="at most as many"):
        Stratum(10, 3, 4)


@pytest.mark.parametrize("read", [200, 2000])
@pytest.mark.parametrize("prevalence", [0.001, 0.01, 0.05, 0.5])
def test_stratified_limits_cover(prevalence, read):
    """10,000 samples each: the default covers 95% within half a point, the guaranteed limits at least 95%.

    The normal limits of the same estimate are shown to fail where bad events are rare: the default is no luxury.
    """
    default, sure, wald = stratified(prevalence, read, 10_000)
    assert default.covered >= 0.945
    assert sure.covered >= 0.95
    if prevalence <= 0.01:
        assert wald.covered < 0.9


@pytest.mark.parametrize("read", [50, 1000])
@pytest.mark.parametrize("prevalence", [0.001, 0.01, 0.1, 0.5])
def test_the_exact_interval_covers_ten_thousand_streams(prevalence, read):
    """Clopper and Pearson's interval holds the truth in at least 95% of 10,000 streams (less three errors of it)."""
    assert simple(prevalence, read, 10_000)[0].covered >= 0.95 - 3 * 0.0022


@pytest.mark.parametrize("prevalence", [0.01, 0.05, 0.3])
def test_scores_narrow_and_do_not_break_limits(prevalence):
    """With PPI++ 92% or more are covered; where bad ones are common the limits are a tenth narrower."""
    helped, plain = powered(prevalence, 500, 500)
    assert helped.covered >= 0.92
    assert helped.width <= plain.width * (0.9 if prevalence == 0.3 else 1.1)


def test_a_score_that_says_nothing_costs_nothing():
    """Constant scores give the plain estimate."""
    bad = np.arange(100) < 20
    scored = Scored(10_000, 0.5, bad, np.full(100, 0.5))
    assert powered_share([scored]) == share_of_all([Stratum(10_000, 100, 20)])


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("read", [100, 2000])
@pytest.mark.parametrize("truth", [0.5, 0.9])
def test_recall_covers(truth, read, whole):
    """Recall's limits hold at least 94% of 10,000 samples, whether the flagged were all read or a fifth of them."""
    assert recalls(truth, read, 10_000, whole=whole).covered >= 0.94


def test_recall_without_a_missed_event_is_no_certainty():
    """Nothing missed among 500 read of 98,000 leaves much room: the value is 1, the limit far below."""
    found = recall([Stratum(2000, 2000, 900)], [Stratum(98_000, 500, 0)])
    assert found.value == 1.0
    assert found.interval.low < 0.6


def test_stored_probabilities_unbias_whatever_they_were():
    """A limiter that lowers probabilities as load grows: HT is right on average, and its limits cover 93%."""
    source = np.random.default_rng(5)
    values, inside = [], []
    for _ in range(600):
        score = source.random(5_000)
        bad = source.random(5_000) < 0.2 * score**3  # 5% in all
        kept, load, probability = np.zeros(5_000, bool), 0, np.empty(5_000)
        luck = source.random(5_000)
        for place in range(0, 5_000, 100):  # the limiter looks every hundred events
            part = slice(place, place + 100)
            probability[part] = np.clip(0.25 * score[part], 0.02, 1) * min(1.0, 300 / (load * 5_000 / (place + 1) + 1))
            kept[part] = luck[part] < probability[part]
            load = kept.sum()
        found = horvitz_thompson(Drawn(probability, probability[kept], bad[kept]))
        values.append(found.value - bad.mean())
        inside.append(found.interval.low <= bad.mean() <= found.interval.high)
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    assert np.mean(inside) >= 0.93


def readers(source, runs, prevalence, errors, read=500):
    """Counts of what two readers and a third say: bad by one, disagreements, bad by the majority."""
    truth = source.random((runs, read)) < prevalence
    said = [
        np.where(source.random(truth.shape) < np.where(truth, errors[1], errors[0]), ~truth, truth) for _ in range(3)
    ]
    settled = np.where(said[0] == said[1], said[0], said[2])
    return said[0].sum(axis=1), (said[0] != said[1]).sum(axis=1), settled.sum(axis=1)


def test_a_third_reader_and_the_correction_cover():
    """Readers wrong by 3% either way: one reader alone covers little, the corrected majority 94% or more."""
    source = np.random.default_rng(2)
    single, disagreed, settled = readers(source, 2000, 0.05, (0.03, 0.03))
    alone, joint = [], []
    for one, d, s in zip(single.tolist(), disagreed.tolist(), settled.tolist(), strict=True):
        error = error_rate(Pairs(500, d))
        third = Estimate(third_reads(error.value), Interval(
            third_reads(error.interval.low), third_reads(error.interval.high)))  # fmt: skip
        alone.append(share(one, 500).interval)
        joint.append(symmetric(share(s, 500), third).interval)
    assert np.mean([i.low <= 0.05 <= i.high for i in alone]) < 0.5
    assert np.mean([i.low <= 0.05 <= i.high for i in joint]) >= 0.94


@pytest.mark.parametrize(("prevalence", "errors"), [(0.05, (0.01, 0.2)), (0.3, (0.02, 0.2)), (0.05, (0.03, 0.03))])
def test_a_gold_set_corrects_what_disagreement_cannot(prevalence, errors):
    """Misses far more likely than false calls: Rogan and Gladen's correction with 200 known texts covers 94%."""
    source = np.random.default_rng(3)
    single, _, _ = readers(source, 2000, prevalence, errors)
    golds = zip(source.binomial(100, errors[0], 2000), source.binomial(100, 1 - errors[1], 2000), strict=True)
    intervals = [
        corrected(share(int(bad), 500), mistakes(Gold(100, int(f), 100, int(s)))).interval
        for bad, (f, s) in zip(single, golds, strict=True)
    ]
    assert np.mean([i.low <= prevalence <= i.high for i in intervals]) >= 0.94


def test_readers_no_better_than_coins_say_nothing():
    """Where the gold set shows no skill, or two readers disagree on half, there is no value."""
    assert corrected(share(10, 100), mistakes(Gold(50, 25, 50, 25))).value is None
    assert symmetric(share(10, 100), error_rate(Pairs(100, 50))).value is None
    assert error_rate(Pairs(0, 0)).value is None


def test_agreement_by_hand():
    """Cohen's and Krippendorff's worked examples: kappa .4 for 20, 5, 10, 15; alpha .095."""
    assert cohen(np.array([[20, 5], [10, 15]])).value == pytest.approx(0.4)
    first, second = "0100000000", "1110010010"
    assert krippendorff([list(pair) for pair in zip(first, second, strict=True)]).value == pytest.approx(
        0.095, abs=0.001
    )


def test_full_agreement_is_no_certainty():
    """20 texts without disagreement: the value is 1, the interval is not a point; one label only says nothing."""
    kappa, alpha = cohen(np.diag([10, 10])), krippendorff([["a", "a"]] * 10 + [["b", "b"]] * 10)
    assert kappa.value == alpha.value == 1.0
    assert kappa.interval.low < 0.8
    assert alpha.interval.low < 0.8
    assert cohen(np.diag([10, 0])).value is None
    assert krippendorff([["a", "a"]] * 9).value is None
    assert krippendorff([["a"]]).value is None


@pytest.mark.parametrize("count", [50, 300])
def test_agreement_intervals_cover(count):
    """Over 2,000 samples kappa's interval holds the true kappa 92% of the time or more; alpha's over 200 likewise."""
    source = np.random.default_rng(4)
    truth = source.random((2000, count)) < 0.3
    one, two = (np.where(source.random(truth.shape) < 0.1, ~truth, truth) for _ in range(2))
    both, called = 0.3 * 0.81 + 0.7 * 0.01, 0.3 * 0.9 + 0.7 * 0.1
    agreed, chance = 0.82, called**2 + (1 - called) ** 2
    kappa = (agreed - chance) / (1 - chance)
    assert both < called
    tables = [
        np.array([[np.sum(a & b), np.sum(a & ~b)], [np.sum(~a & b), np.sum(~a & ~b)]])
        for a, b in zip(one, two, strict=True)
    ]
    assert np.mean([i.low <= kappa <= i.high for i in (cohen(t).interval for t in tables)]) >= 0.92
    pairs = [
        [list(map(str, pair)) for pair in zip(a, b, strict=True)] for a, b in zip(one[:200], two[:200], strict=True)
    ]
    assert np.mean([i.low <= kappa <= i.high for i in (krippendorff(p).interval for p in pairs)]) >= 0.9
