"""Groups of vectors and their words."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monitors.clusters.grouping import grouped
from monitors.clusters.keywords import keywords, words_of
from streams.failures.vectors import direction, matrix


def blobs(sizes, dim=48, spread=0.25, seed=3):
    """Vectors around as many directions at right angles as there are sizes, and which of them each is around."""
    rng = np.random.default_rng(seed)
    around = np.repeat(np.arange(len(sizes)), sizes)
    return np.eye(dim)[around] + spread * rng.normal(size=(len(around), dim)) / np.sqrt(dim) * 3, around


def test_what_lies_together_is_a_group_and_what_is_alone_is_none():
    """Three bundles of 30, 12 and 5 among vectors of no bundle: those are the groups, largest first."""
    vectors, around = blobs([30, 12, 5, 1, 1])
    found = grouped(vectors, similar=0.3)
    assert [len(group.members) for group in found] == [30, 12, 5]
    assert [set(around[list(group.members)]) for group in found] == [{0}, {1}, {2}]


def test_the_most_typical_comes_first():
    """Of a bundle with one member pulled aside, that one comes last."""
    vectors, _ = blobs([9], spread=0.1)
    vectors[4] += 0.9 * np.eye(48)[7]
    (group,) = grouped(vectors, similar=0.3)
    assert group.members[-1] == 4
    assert 0 < group.cohesion < 1


@given(st.permutations(range(47)))
def test_order_does_not_matter(order):
    """Rows in another order come into the same groups."""
    vectors, _ = blobs([30, 12, 5])
    shuffled = grouped(vectors[order], similar=0.3)
    back = {frozenset(order[row] for row in group.members) for group in shuffled}
    assert back == {frozenset(group.members) for group in grouped(vectors, similar=0.3)}


def test_nothing_and_too_little():
    """No rows, or fewer than make a group, are no group."""
    assert grouped(np.empty((0, 8))) == ()
    assert grouped(np.ones((2, 8))) == ()
    assert len(grouped(np.ones((3, 8)))) == 1


@given(arrays(np.float32, (3, 384), elements=st.floats(-1, 1, width=32)), st.integers(0, 2**32 - 1))
def test_rounding_keeps_the_cosine(windows, seed):
    """Cosines with what is stored are those of the means to 0.01."""
    stored, mean = direction(windows), windows.astype(float).mean(axis=0)
    if stored is None:
        assert not np.any(mean)
        return
    other = np.random.default_rng(seed).normal(size=384)
    kept = matrix([stored])[0]

    def cosine(one):
        return one @ other / np.linalg.norm(one) / np.linalg.norm(other)

    if np.linalg.norm(mean) > 1e-3 * np.abs(mean).max() and np.abs(mean).max() > 1e-6:
        assert abs(cosine(kept) - cosine(mean)) < 0.02
    assert all(-127 <= entry <= 127 for entry in stored)


def test_no_window_has_no_direction():
    """A blank text has no vector."""
    assert direction(np.empty((0, 384), np.float32)) is None


def test_words_tell_a_group_from_the_rest():
    """What the group's texts have and others do not comes first; what all have does not come at all."""
    refunds = [f"the refund of order {name} is late again" for name in ("Alpha", "Beta", "Gamma", "Delta")]
    others = [f"the weather in {name} is fine today" for name in ("Rome", "Oslo", "Lima", "Bern", "Kyiv", "Doha")]
    texts = [words_of(text) for text in (*refunds, *others)]
    found = keywords(texts, range(4))
    assert set(found) == {"refund", "order", "late", "again"}
    assert keywords(texts, range(4), most=2) == found[:2]


def test_words_leave_out_placeholders_and_know_every_script():
    """A masked name is no word; Greek and Arabic words are, case folded."""
    assert words_of("<PERSON_1> ΤΗΛΈΦΩΝΟ مرحبا 12345 <EMAIL_ADDRESS>") == {"τηλέφωνο", "مرحبا"}


@given(st.lists(st.text(max_size=40), min_size=1, max_size=12), st.data())
def test_words_of_anything(texts, data):
    """Any texts and any group of them have words without an error, and only words of the group."""
    read = [words_of(text) for text in texts]
    group = data.draw(st.sets(st.integers(0, len(texts) - 1), min_size=1))
    assert set(keywords(read, group)) <= set().union(*(read[row] for row in group))
