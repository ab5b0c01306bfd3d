"""How good a guard is: the estimator that is chosen, what it promises, and that weights and mistakes are taken in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.estimates.quality import LEAST_KNOWN, LEAST_PAIRS, Cell, Reading, qualities
from monitors.estimates.readers import Gold, Pairs
from monitors.estimates.strata import Stratum, share_of_all
from monitors.intervals import UNKNOWN, Interval, clopper_pearson

NO_PAIRS = Pairs(0, 0)


def cell(bad, good, seen=1_000, **changes):
    read = (Reading(True),) * bad + (Reading(False),) * good
    return Cell(**{"stratum": "rest", "probability": 0.1, "flagged": False, "seen": seen, "read": read, **changes})


def by_measure(cells, pairs=NO_PAIRS, gold=None):
    return {each.measure: each for each in qualities(cells, pairs, gold)}


def test_a_simple_sample_has_the_exact_interval():
    """One part, few bad ones, hardly any of it read: Clopper and Pearson's limits, by name."""
    found = by_measure([cell(2, 98, seen=10_000_000)])["prevalence"]
    assert found.estimate.value == pytest.approx(0.02)
    exact = clopper_pearson(2, 100)
    assert (found.estimate.interval.low, found.estimate.interval.high) == pytest.approx(
        (exact.low, exact.high), rel=1e-3
    )
    assert (found.method, found.seen, found.read, found.bad, found.noise) == ("exact", 10_000_000, 100, 2, None)


def test_strata_are_weighted():
    """A rate that differs by stratum does not show: precision and recall are of all traffic."""
    cells = [
        cell(40, 10, seen=100, flagged=True, stratum="acted-on", probability=0.5),
        cell(1, 99, seen=9_900, stratum="rest", probability=0.01),
    ]
    found = by_measure(cells)
    assert found["prevalence"].estimate.value == pytest.approx((80 + 99) / 10_000)
    assert found["precision"].estimate.value == pytest.approx(0.8)
    assert found["recall"].estimate.value == pytest.approx(80 / 179)
    assert found["accuracy"].estimate.value == pytest.approx((80 + 9_801) / 10_000)
    assert found["recall"].estimate.interval.high - found["recall"].estimate.interval.low > 0.5
    assert {each.method for each in found.values()} == {"stratified", "MOVER-R"}


def test_chances_that_a_plan_lowered():
    """Parts of one stratum that were read at other rates count by how many they stand for."""
    busy, quiet = cell(5, 5, seen=9_000, probability=0.001), cell(0, 10, seen=1_000, probability=0.01)
    assert by_measure([busy, quiet])["prevalence"].estimate.value == pytest.approx(0.45)
    near = [cell(10, 0, seen=110, probability=0.1), cell(0, 10, seen=100, probability=0.11)]  # within a factor of √2
    found = by_measure(near)["prevalence"].estimate.value
    assert found == pytest.approx(10 / 0.1 / (10 / 0.1 + 10 / 0.11))


def test_scores_help_where_there_is_enough():
    """With ten bad ones and ten others in a part, PPI++ takes scores in; a part without scores, and it is plain."""
    rng = np.random.default_rng(3)
    bad = rng.random(200) < 0.4
    read = tuple(Reading(bool(b), score=float(np.clip(0.2 + 0.6 * b + rng.normal(0, 0.1), 0, 1))) for b in bad)
    scored = Cell("rest", 0.1, flagged=False, seen=2_000, mean_score=0.44, read=read)
    helped, plain = (
        by_measure([scored])["prevalence"],
        by_measure([cell(int(bad.sum()), int((~bad).sum()), 2_000)])["prevalence"],
    )
    assert (helped.method, plain.method) == ("PPI++", "stratified")
    width = [each.estimate.interval.high - each.estimate.interval.low for each in (helped, plain)]
    assert width[0] < 0.8 * width[1]
    assert by_measure([scored, cell(3, 3, stratum="x")])["prevalence"].method == "stratified"


def test_readers_mistakes_are_taken_out():
    """From enough pairs on, the share behind mistakes is told, with what they leave unsure; fewer are no ground."""
    cells = [cell(80, 920, seen=100_000)]  # 5% bad and 3.3% of labels wrong look like 8%
    pairs = Pairs(500, 32)
    found = by_measure(cells, pairs)["prevalence"]
    assert found.as_read == pytest.approx(0.08)
    assert found.noise == pytest.approx(0.033, abs=0.001)
    assert found.estimate.value == pytest.approx(0.05, abs=0.002)
    plain = by_measure(cells)["prevalence"].estimate.interval
    assert found.estimate.interval.high - found.estimate.interval.low > plain.high - plain.low
    few = by_measure(cells, Pairs(LEAST_PAIRS - 1, 3))["prevalence"]
    assert (few.noise, few.estimate.value) == (None, few.as_read)


GOLD = Gold(good=1000, good_called_bad=10, bad=1000, bad_called_bad=800)


def test_known_texts_tell_misses_from_false_calls():
    """With enough known texts of both kinds each mistake is taken out by its own rate, from every figure."""
    flagged = cell(642, 358, seen=10_000, flagged=True, stratum="acted-on", probability=0.5)  # 80% are bad
    passed = cell(89, 911, seen=90_000)  # 10% are
    found = by_measure([flagged, passed], Pairs(500, 100), GOLD)
    truth = {"prevalence": 0.17, "precision": 0.8, "recall": 8 / 17, "accuracy": 0.89}
    for measure, value in truth.items():
        assert found[measure].estimate.value == pytest.approx(value, abs=1e-3)
        interval = found[measure].estimate.interval
        assert interval.low < value < interval.high
    assert found["precision"].noise == pytest.approx(0.642 * 0.2 + 0.358 * 0.01)
    few = Gold(1000, 10, LEAST_KNOWN - 1, 10)
    assert by_measure([passed], NO_PAIRS, few)["prevalence"].noise is None


def test_figures_corrected_by_known_texts_cover():
    """One reader who misses 20% and calls 1% falsely, 100 known texts of each kind: 94% and more hold the truth."""
    rng, held, runs = np.random.default_rng(6), {"prevalence": 0, "accuracy": 0}, 300
    for _ in range(runs):
        gold = Gold(100, int(rng.binomial(100, 0.01)), 100, int(rng.binomial(100, 0.8)))
        called = [int(rng.binomial(300, share * 0.8 + (1 - share) * 0.01)) for share in (0.8, 0.1)]
        cells = [
            cell(called[0], 300 - called[0], seen=10_000, flagged=True, stratum="acted-on"),
            cell(called[1], 300 - called[1], seen=90_000),
        ]
        found = by_measure(cells, NO_PAIRS, gold)
        for measure, truth in (("prevalence", 0.17), ("accuracy", 0.89)):
            interval = found[measure].estimate.interval
            held[measure] += interval.low <= truth <= interval.high
    assert min(held.values()) >= 0.94 * runs


def test_more_readers_make_labels_surer():
    """What two readers agree on, or a third settled, counts as wrong less often."""
    settled = Cell(
        "rest", 0.1, flagged=False, seen=9_000, read=(Reading(True, readers=3), Reading(False, readers=3)) * 50
    )
    once = cell(50, 50, seen=9_000)
    pairs = Pairs(500, 50)
    assert by_measure([settled], pairs)["prevalence"].noise < 0.3 * by_measure([once], pairs)["prevalence"].noise


def test_what_was_not_read_is_not_known():
    """Without a label there is no value; recall without an unflagged label may be anything."""
    assert all(each.estimate == UNKNOWN for each in qualities([cell(0, 0)], NO_PAIRS))
    assert all(each.estimate == UNKNOWN for each in qualities([], NO_PAIRS))
    only = by_measure([cell(9, 1, flagged=True, seen=100), cell(0, 0, seen=900)])
    assert only["precision"].estimate.value == pytest.approx(0.9)
    assert only["recall"].estimate.value is None


cells = st.builds(
    lambda bad, good, more, flagged, stratum, chance: cell(
        bad, good, seen=bad + good + more, flagged=flagged, stratum=stratum, probability=chance
    ),
    st.integers(0, 30), st.integers(0, 30), st.integers(0, 500), st.booleans(), st.sampled_from("ab"),
    st.sampled_from([0.001, 0.1, 0.11, 1.0]),
)  # fmt: skip


@given(
    st.lists(cells, max_size=6),
    st.sampled_from([NO_PAIRS, Pairs(100, 5), Pairs(100, 60)]),
    st.sampled_from([None, GOLD, Gold(20, 0, 20, 20), Gold(20, 19, 20, 20), Gold(20, 10, 20, 10)]),
)
def test_figures_lie_in_their_intervals(found, pairs, gold):
    """Whatever was read, every interval is within 0 and 1, and holds the value if there is one."""
    for each in qualities(found, pairs, gold):
        interval = each.estimate.interval
        assert 0 <= interval.low <= interval.high <= 1
        value = each.estimate.value
        assert value is None or interval.low - 1e-9 <= value <= interval.high + 1e-9


def test_recall_covers():
    """Recall's interval holds the truth at about its level, at a prevalence of 2% and 300 reads."""
    rng, held, runs = np.random.default_rng(5), 0, 300
    for _ in range(runs):
        flagged_bad, missed = 120, 60
        read = [rng.hypergeometric(flagged_bad, 80, 100), rng.hypergeometric(missed, 8_740, 200)]
        parts = [
            cell(int(read[0]), 100 - int(read[0]), seen=200, flagged=True, stratum="acted-on", probability=0.5),
            cell(int(read[1]), 200 - int(read[1]), seen=8_800, probability=200 / 8_800),
        ]
        limits = by_measure(parts)["recall"].estimate.interval
        held += limits.low <= 120 / 180 <= limits.high
    assert held / runs >= 0.93


def test_it_is_the_plain_estimate_where_nothing_asks_for_more():
    """Equal chances, no scores, no pairs: ``share_of_all`` of the strata."""
    plain = share_of_all([Stratum(1_000, 60, 20)])
    assert by_measure([cell(20, 40)])["prevalence"].estimate == plain
    assert plain.interval != Interval(0, 1)
