"""What a masked text looks like."""

import pytest

from guards.guard import Hit
from guards.masking import mask


@pytest.mark.parametrize(
    ("text", "hits", "expected"),
    [
        ("", [], ""),
        ("plain", [], "plain"),
        ("to jane@x.io!", [Hit("EMAIL_ADDRESS", 1, 3, 12)], "to <EMAIL_ADDRESS>!"),
        ("ab", [Hit("A", 1, 0, 1), Hit("B", 1, 1, 2)], "<A><B>"),
        ("abcdef", [Hit("A", 1, 0, 3), Hit("B", 1, 2, 6)], "<B>"),
        ("abc", [Hit("A", 1, 1, 99)], "a<A>"),
        ("\ud800x😀y\udfff", [Hit("A", 1, 2, 3)], "\ud800x<A>y\udfff"),
        ("שלום abc مرحبا", [Hit("A", 1, 5, 8)], "שלום <A> مرحبا"),
    ],
)
def test_mask(text, hits, expected):
    """Each hit gives way to its label and the rest stays as it was."""
    assert mask(text, hits) == expected
