"""Confidence sequences hold at every look, shown by simulation with fixed seeds."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.comparison import MISMATCH, compared, difference, ratio_evidence
from monitors.sequences import asymptotic
from monitors.sequences.asymptotic import Moments
from monitors.sequences.betting import Betting, betting, extend, limits, share, weighted, weights
from tests.simulations.coverage import asymptotic_at_every_look, betting_at_every_look

values = st.lists(st.sampled_from([0.0, 1.0, 0.3]), max_size=60)


def ever_misses(state, streams, truths, read=limits, looks=10):
    """The share of streams whose interval misses the truth at any of the looks (candidates never come back)."""
    missed = []
    for stream, truth in zip(streams, truths, strict=True):
        now, bad = state, False
        for part in np.array_split(stream, looks):
            now = extend(now, part)
            interval = read(now)
            bad |= not interval.low <= truth <= interval.high
        missed.append(bad)
    return np.mean(missed)


@given(values, values)
def test_parts_say_what_the_whole_says(one, two):
    """Values taken in at once or in parts, with a trip through JSON between, give the same state."""
    half = extend(betting(), one)
    read = Betting(
        **{k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(json.dumps(asdict(half))).items()}
    )
    assert read == half
    whole, parts = extend(betting(), one + two), extend(read, two)
    assert parts.alive == whole.alive
    assert np.allclose(parts.up, whole.up)
    assert np.allclose(parts.down, whole.down)


@given(values)
def test_intervals_only_shrink(found):
    """What is ruled out stays ruled out, and the interval is never empty."""
    before, after = extend(betting(), found[: len(found) // 2]), extend(betting(), found)
    assert limits(before).low <= limits(after).low <= limits(after).high <= limits(before).high


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.05, 0.5])
def test_betting_covers_ten_thousand_streams(rate):
    """At most 5% of 10,000 streams of 500 events ever rule the truth out, looked at after every event."""
    assert betting_at_every_look(rate, 500, 10_000) <= 0.05


def test_intervals_cover_at_every_look():
    """The intervals themselves miss in at most 5% of 150 streams (candidates that left stay away: a look a value)."""
    drawn = np.random.default_rng(1).random((150, 1000)) < 0.05
    assert ever_misses(betting(), drawn, np.full(150, 0.05)) <= 0.05


def test_betting_is_not_idle():
    """After 10,000 events at 5% the interval is some two points wide, as the paper's is."""
    interval = limits(extend(betting(), np.random.default_rng(2).random(10_000) < 0.05))
    assert interval.high - interval.low < 0.025


def test_a_finite_set_is_known_when_all_of_it_is_read():
    """Without putting back 200 sets of 400 are covered at every look, and at the end the share is known."""
    source = np.random.default_rng(3)
    sets = source.random((200, 400)) < 0.2
    assert ever_misses(betting(population=400), sets, sets.mean(axis=1)) <= 0.05
    last = limits(extend(betting(population=400), sets[0]))
    assert last.low == pytest.approx(last.high) == pytest.approx(sets[0].mean())
    with pytest.raises(ValueError, match="more values"):
        extend(betting(population=3), [0.0] * 4)


def test_weighted_values_cover():
    """Sampled at 2 to 100% by a score, the share of all events is covered at every look by 95% of 100 streams."""
    source = np.random.default_rng(4)
    streams, truth = [], 0.05
    for _ in range(100):
        score = source.random(1500)
        probability = np.clip(score**3, 0.02, 1.0)
        bad, sampled = source.random(1500) < 4 * truth * score**3, source.random(1500) < probability
        streams.append(weights(bad, sampled, probability, 0.02))
    assert ever_misses(weighted(0.02), streams, np.full(100, truth), share) <= 0.05


def test_values_outside_are_refused():
    """A value outside [0, 1] breaks the promise, so it is an error."""
    for value in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="lie in"):
            extend(betting(), [0.5, value])


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_the_asymptotic_sequence_covers_nearly(rate):
    """500 streams looked at every twentieth value: 7% or fewer ever miss, where the promise of 5% is a limit's."""
    assert asymptotic_at_every_look(rate, 2000, 500) <= 0.07


def test_few_hits_say_nothing():
    """Before 20 hits, or 20 others, the asymptotic sequence is everywhere."""
    assert asymptotic.limits(asymptotic.extend(Moments(), [1.0] * 19 + [0.0] * 100), 100).high == float("inf")
    assert asymptotic.limits(asymptotic.extend(Moments(), [1.0] * 100), 100).high == float("inf")
    assert asymptotic.limits(asymptotic.extend(Moments(), [1.0] * 50 + [0.0] * 50), 100).high < 1


def test_arms_that_differ_are_told_apart_and_equal_ones_are_not():
    """200 comparisons of conversation means looked at 20 times: false winners in at most 6%, real ones found."""
    source = np.random.default_rng(7)

    def winners(first, second):
        won = 0
        for _ in range(200):
            state, arms = Moments(), source.random((20, 100)) < 0.5
            found = False
            for arm in arms:
                means = source.beta(*(2.3 * np.where(arm, second, first)[None] * [[1], [0]] +
                                      2.3 * (1 - np.where(arm, second, first))[None] * [[0], [1]]))  # fmt: skip
                state = compared(state, means, arm, 0.5)
                interval = difference(state, 1000)
                found |= not interval.low <= 0 <= interval.high
            won += found
        return won / 200

    assert winners(0.1, 0.1) <= 0.06
    assert winners(0.1, 0.2) >= 0.9


def test_a_wrong_split_is_seen_and_a_right_one_is_not():
    """Evidence stays low in 500 right splits of 2,000 and passes the mark for 56% in 10,000."""
    source = np.random.default_rng(8)
    assert max(ratio_evidence(source.random(2000) < 0.5, 0.5) for _ in range(500)) < MISMATCH
    assert ratio_evidence(source.random(10_000) < 0.56, 0.5) > MISMATCH
    assert ratio_evidence(np.array([], bool), 0.5) == 1.0
