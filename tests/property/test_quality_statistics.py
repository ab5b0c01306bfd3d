"""The intervals and thresholds of quality reports keep what they promise: shown by simulation, seeds fixed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from monitors.intervals import clopper_pearson, wilson
from monitors.ranking import area_under_roc, average_precision, precision_recall_curve, recall_at, roc_curve
from monitors.reliability import reliability
from monitors.thresholds import Choice, Costs, TooFew, needed_for_rate, threshold_for_cost, threshold_for_rate
from tests.fixtures.later import Later

metrics = Later("sklearn.metrics")

scores = st.lists(st.integers(0, 20).map(lambda n: n / 20), min_size=1, max_size=40).map(np.array)


def covered(draw, estimate, truth, rounds, seed=0):
    """The share of ``rounds`` samples whose interval holds the truth."""
    source = np.random.default_rng(seed)
    intervals = [estimate(*draw(source)).interval for _ in range(rounds)]
    return np.mean([i.low <= truth <= i.high for i in intervals])


def normal_scores(bad, good, shift):
    return lambda source: (norm.cdf(source.normal(shift, 1, bad)), norm.cdf(source.normal(0, 1, good)))


@pytest.mark.parametrize("trials", [1, 10, 60])
@pytest.mark.parametrize("truth", [0.0, 0.01, 0.2, 0.5, 0.97, 1.0])
def test_the_exact_interval_holds_for_every_share(trials, truth):
    """Summed over all outcomes, Clopper-Pearson covers at least 95%, exactly computed."""
    hits = np.arange(trials + 1)
    inside = [i.low <= truth <= i.high for i in (clopper_pearson(int(h), trials) for h in hits)]
    assert binom.pmf(hits, trials, truth)[inside].sum() >= 0.95


@given(st.integers(0, 50), st.integers(0, 50))
def test_intervals_hold_the_share_that_was_seen(hits, more):
    """Both intervals of a share lie in [0, 1] and hold it; the score interval lies inside the exact one's reach."""
    trials = hits + more
    for interval in (clopper_pearson(hits, trials), wilson(hits, trials)):
        assert 0 <= interval.low <= interval.high <= 1
        if trials:
            assert interval.low - 1e-12 <= hits / trials <= interval.high + 1e-12


@given(scores, scores)
def test_areas_agree_with_the_known_ones(bad, good):
    """Area, average precision and curves are those of scikit-learn, ties included."""
    truth, values = np.r_[np.ones(len(bad)), np.zeros(len(good))], np.r_[bad, good]
    assert area_under_roc(bad, good).value == pytest.approx(metrics.roc_auc_score(truth, values))
    assert average_precision(bad, good).value == pytest.approx(metrics.average_precision_score(truth, values))
    curve = roc_curve(bad, good)
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(metrics.roc_auc_score(truth, values))
    assert precision_recall_curve(bad, good).x[-1] == 1.0


@pytest.mark.parametrize(("bad", "good", "shift"), [(60, 200, 1.0), (40, 400, 2.0), (300, 30, 0.3)])
def test_the_interval_of_the_area_holds(bad, good, shift):
    """The true area lies in the 95% interval in about 95 of 100 samples."""
    truth = norm.cdf(shift / 2**0.5)
    assert covered(normal_scores(bad, good, shift), area_under_roc, truth, 1500) >= 0.925


def test_the_interval_does_not_collapse_where_all_is_told_apart():
    """Ten against ten, none of them confused, does not prove an area of 1."""
    found = area_under_roc(np.linspace(0.9, 1, 10), np.linspace(0, 0.1, 10))
    assert found.value == found.interval.high == 1.0
    assert 0.6 < found.interval.low < 0.95


def test_the_interval_of_the_average_precision_holds():
    """The average precision of a very large sample lies in most intervals of small ones of the same mixture."""
    truth = average_precision(*normal_scores(40_000, 120_000, 1.5)(np.random.default_rng(1))).value
    assert covered(normal_scores(100, 300, 1.5), average_precision, truth, 80) >= 0.9


@pytest.mark.parametrize(("good", "rate"), [(100, 0.05), (400, 0.05), (500, 0.01), (50, 0.01)])
def test_the_interval_of_the_recall_holds_though_the_threshold_is_estimated(good, rate):
    """The recall at the true threshold of the rate lies in the interval at least 95 times of 100."""
    truth = norm.sf(norm.isf(rate) - 1.5)
    assert covered(normal_scores(80, good, 1.5), lambda b, g: recall_at(b, g, rate), truth, 800) >= 0.95


@pytest.mark.parametrize(("count", "rate"), [(299, 0.01), (1000, 0.01), (200, 0.05)])
@pytest.mark.parametrize("levels", [None, 20])
def test_the_promised_rate_is_kept(count, rate, levels):
    """The true false-positive rate of the chosen threshold exceeds the wanted one in at most 5 of 100 samples."""
    source = np.random.default_rng(2)
    broken = 0
    for _ in range(1500):
        good = source.random(count) if levels is None else source.integers(0, levels, count) / levels
        choice = threshold_for_rate(np.array([0.5]), good, rate)
        true_rate = 1 - choice.threshold if levels is None else np.mean(np.arange(levels) / levels >= choice.threshold)
        broken += true_rate > rate
    # 1,500 rounds at exactly 5% stay below this in all but one of a thousand runs
    assert broken <= binom.isf(0.001, 1500, 0.05)
    assert choice.rate.value <= rate


def test_too_few_labels_promise_nothing():
    """Below the least number of good texts there is no threshold, and the number needed is named."""
    assert needed_for_rate(0.01) == 299
    few = threshold_for_rate(np.ones(5), np.zeros(298), 0.01)
    assert few == TooFew("good", 298, 299)
    assert isinstance(threshold_for_rate(np.ones(5), np.zeros(299), 0.01), Choice)
    assert threshold_for_cost(np.ones(39), np.zeros(500), Costs(1, 1, 0.5)) == TooFew("bad", 39, 40)


def test_costs_move_the_threshold():
    """The dearer a miss, the lower the threshold; the intervals come from texts that had no part in the choice."""
    bad, good = normal_scores(2000, 2000, 1.5)(np.random.default_rng(3))
    dear, even = (threshold_for_cost(bad, good, Costs(missed, 1, 0.5)) for missed in (20, 1))
    assert dear.threshold < even.threshold
    assert norm.ppf(even.threshold) == pytest.approx(0.75, abs=0.3)  # half-way between the kinds
    assert even.recall.interval.low < norm.sf(norm.ppf(even.threshold) - 1.5) < even.recall.interval.high


def test_calibrated_scores_are_reliable():
    """Scores that are probabilities have a small calibration error, scores that are too high a large one."""
    source = np.random.default_rng(4)
    chance = source.random(20_000)
    bad = source.random(20_000) < chance
    assert reliability(chance, bad).error < 0.02
    assert reliability(np.sqrt(chance), bad).error > 0.1
    inside = [b.bad.interval.low <= b.mean_score <= b.bad.interval.high for b in reliability(chance, bad).bins]
    assert sum(inside) >= 8
