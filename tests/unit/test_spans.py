"""How spans outrank each other, join and move."""

import pytest

from guards.guard import Hit
from guards.spans import drop_dominated, resolve, shift, well_formed

A = Hit("A", 0.9, 0, 10)


@pytest.mark.parametrize(
    ("hits", "expected"),
    [
        ([], []),
        ([A, A], [A]),
        ([A, Hit("B", 0.9, 2, 5)], [A]),
        ([A, Hit("B", 0.5, 0, 10)], [A]),
        ([A, Hit("B", 0.9, 0, 10)], [A]),
        ([A, Hit("B", 0.95, 2, 5)], [A, Hit("B", 0.95, 2, 5)]),
        ([A, Hit("B", 0.5, 5, 15)], [A, Hit("B", 0.5, 5, 15)]),
        ([Hit("B", 0.5, 20, 30), A], [A, Hit("B", 0.5, 20, 30)]),
    ],
)
def test_dominated_hits_go(hits, expected):
    """A hit goes only when another covers it with at least its score."""
    assert drop_dominated(hits) == tuple(expected)
    assert drop_dominated(reversed(hits)) == tuple(expected)


@pytest.mark.parametrize(
    ("hits", "expected"),
    [
        ([], []),
        ([A, A], [A]),
        ([A, Hit("B", 1.0, 2, 5)], [A]),
        ([A, Hit("B", 1.0, 0, 10)], [Hit("B", 1.0, 0, 10)]),
        ([A, Hit("B", 0.1, 5, 20)], [Hit("B", 0.1, 0, 20)]),
        ([A, Hit("B", 0.9, 10, 20)], [A, Hit("B", 0.9, 10, 20)]),
        ([A, Hit("B", 0.9, 5, 15), Hit("C", 0.9, 12, 18)], [Hit("A", 0.9, 0, 18)]),
        ([Hit("B", 0.9, 3, 3)], []),
        ([Hit("B", 0.9, 5, 2)], []),
    ],
)
def test_resolve_joins_what_overlaps(hits, expected):
    """Overlapping hits become one over all they cover, with the label of the longest, then of the surest."""
    assert resolve(hits) == tuple(expected)
    assert resolve(reversed(hits)) == tuple(expected)


def test_shift_moves_both_ends():
    """A hit in a part becomes a hit in the whole."""
    assert shift([A], 7) == (Hit("A", 0.9, 7, 17),)


def test_well_formed_can_be_encoded():
    """Lone surrogates alone are replaced, one for one."""
    assert well_formed("a\ud83db\udc00😀") == "a\ufffdb\ufffd😀"
