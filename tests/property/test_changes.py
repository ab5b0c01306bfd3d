"""When a change began, what moved, and whether a distribution did: shown by simulation with fixed seeds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.attribution import Segment, attributed, design_effect
from monitors.drift.batches import jensen_shannon, kolmogorov_smirnov, psi, wasserstein
from monitors.drift.embeddings import calm, drifted, fit_topics
from monitors.onset import onset

counts = st.tuples(st.integers(0, 500), st.floats(0, 1), st.integers(0, 500), st.floats(0, 1)).map(
    lambda t: Segment(t[0], round(t[0] * t[1]), t[2], round(t[2] * t[3]))
)


@pytest.mark.parametrize(("size", "within"), [(1.0, 4), (0.5, 16)])
def test_the_set_holds_the_begin(size, within):
    """A shift by one or half a deviation: its set holds the begin in 87% of 400 runs, the likeliest is near."""
    source = np.random.default_rng(1)
    held, errors, begin = [], [], 120
    for _ in range(400):
        found = onset(source.normal(np.where(np.arange(200) >= begin, size, 0.0)), up=True)
        held.append(begin in found.among)
        errors.append(abs(found.likeliest - begin))
    assert np.mean(held) >= 0.87
    assert np.median(errors) <= within


def test_a_fall_is_found_as_a_rise_is():
    """The direction of the alarm decides what is looked for; nothing in it gives nothing."""
    fall = [0.0] * 50 + [-3.0] * 20
    assert onset(fall, up=False).likeliest == 50
    assert onset(fall, up=False).earliest <= 50 <= onset(fall, up=False).latest
    assert onset([-1.0] * 5, up=True) is None
    assert onset([], up=True) is None


@given(st.dictionaries(st.text(max_size=3), counts, min_size=1, max_size=6))
def test_parts_add_up(segments):
    """Whatever the segments, new and gone ones too, within and mix add up to the change of the whole rate."""
    change = attributed(segments)
    if change is None:
        assert not all(sum(getattr(s, side) for s in segments.values()) for side in ("before", "after"))
        return
    assert change.within + change.mix == pytest.approx(change.total, abs=1e-9)
    for part in change.parts:
        assert part.within.interval.low - 1e-12 <= part.within.value <= part.within.interval.high + 1e-12


def test_simpsons_change_is_all_mix():
    """No segment gets worse and the bad one grows from 10 to 30%: the rise is mix, to the last digit."""
    change = attributed({"good": Segment(9000, 90, 7000, 70), "bad": Segment(1000, 300, 3000, 900)})
    assert change.total == pytest.approx(0.058)
    assert change.within == pytest.approx(0.0)
    assert change.mix == pytest.approx(change.total)


def test_the_segment_that_moved_leads():
    """One segment gets worse: it comes first, its interval leaves 0 out and the others' hold it."""
    change = attributed(
        {"a": Segment(5000, 250, 5000, 250), "b": Segment(3000, 150, 3000, 300), "c": Segment(2000, 90, 2000, 100)}
    )
    assert change.parts[0].name == "b"
    assert change.parts[0].within.interval.low > 0
    assert all(part.within.interval.low <= 0 <= part.within.interval.high for part in change.parts[1:])


def test_intervals_of_parts_cover():
    """2,000 draws of one segment's change from 5 to 8%: its interval covers 93% or more."""
    source = np.random.default_rng(2)
    held = []
    for before, after in zip(source.binomial(400, 0.05, 2000), source.binomial(400, 0.08, 2000), strict=True):
        interval = attributed({"only": Segment(400, int(before), 400, int(after))}).parts[0].within.interval
        held.append(interval.low <= 0.03 <= interval.high)
    assert np.mean(held) >= 0.93


def test_conversations_widen():
    """Events that come ten at a time and agree within a conversation count for fewer, never for more."""
    assert design_effect(1000, 0.09, 0.1, 100) == pytest.approx(10)
    assert design_effect(1000, 0.0001, 0.1, 1000) == 1.0
    assert design_effect(0, 0.0, 0.0, 0) == 1.0


@pytest.mark.parametrize(("first", "second"), [(200, 200), (5000, 300)])
def test_distances_know_their_sample_sizes(first, second):
    """Two samples of one distribution pass the threshold about once in twenty times, whatever their sizes."""
    source = np.random.default_rng(3)
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    passed = []
    for _ in range(300):
        classes = source.multinomial(first, shares), source.multinomial(second, shares)
        values = source.normal(size=first), source.normal(size=second)
        passed.append([psi(*classes).beyond_chance, jensen_shannon(*classes).beyond_chance,
                       kolmogorov_smirnov(*values).beyond_chance])  # fmt: skip
    assert (np.mean(passed, axis=0) <= 0.09).all()
    assert (np.mean(passed, axis=0)[:2] >= 0.02).all()


def test_wassersteins_threshold_is_a_permutation_test():
    """Of 60 pairs from one distribution few pass; a shift by half a deviation passes and is about half a deviation."""
    source = np.random.default_rng(4)
    passed = [wasserstein(source.normal(size=100), source.normal(size=60)).beyond_chance for _ in range(60)]
    assert np.mean(passed) <= 0.12
    moved = wasserstein(source.normal(size=400), source.normal(0.5, size=400))
    assert moved.beyond_chance
    assert moved.value == pytest.approx(0.5, abs=0.2)


def test_changed_batches_are_beyond_chance():
    """A class that doubles, or values that shift, show in every distance."""
    before, after = np.array([800, 150, 50]), np.array([700, 150, 150])
    assert psi(before, after).beyond_chance
    assert jensen_shannon(before, after).beyond_chance
    source = np.random.default_rng(5)
    assert kolmogorov_smirnov(source.normal(size=500), source.normal(0.4, size=500)).beyond_chance


def texts(source, centres, count, share_of_last=0.0):
    """Vectors around the centres; the last centre's share is given, the others divide the rest equally."""
    shares = np.r_[np.full(len(centres) - 1, (1 - share_of_last) / (len(centres) - 1)), share_of_last]
    return centres[source.choice(len(centres), count, p=shares)] + source.normal(0, 0.5, (count, centres.shape[1]))


def test_embeddings_find_new_topics_and_cry_no_wolf():
    """Evidence stays below a million over 5,000 texts of known topics, in ten runs; a new topic of 20% passes it."""
    source = np.random.default_rng(6)
    centres = source.normal(size=(13, 64))
    topics = fit_topics(texts(source, centres, 1500), texts(source, centres, 1500))
    for _ in range(10):
        state = drifted(calm(topics), topics, texts(source, centres, 5000), source.random(5000))
        assert state.evidence < 1e6
    state, needed = calm(topics), 0
    while state.evidence < 1e6 and needed < 3000:
        state, needed = drifted(state, topics, texts(source, centres, 50, 0.2), source.random(50)), needed + 50
    assert state.evidence >= 1e6
    assert drifted(state, topics, np.empty((0, 64)), np.empty(0)) == state


def test_a_topic_that_grows_is_named():
    """One known topic takes 40% of all texts: the cluster named is the one nearest to it."""
    source = np.random.default_rng(7)
    centres = source.normal(size=(13, 64))
    topics = fit_topics(texts(source, centres, 1500, 1 / 13), texts(source, centres, 1500, 1 / 13))
    state = drifted(calm(topics), topics, texts(source, centres, 2000, 0.4), source.random(2000))
    assert state.evidence > 1e6
    similar = topics.centroids @ (centres[-1] / np.linalg.norm(centres[-1]))
    assert similar[state.cluster] > 0.8 * similar.max()
