"""What went wrong with a side of a verdict."""

import pytest

from streams.failures.failing import failings


@pytest.mark.parametrize(
    ("side", "guards", "agreed", "denied", "disliked", "expected"),
    [
        ("prompt", [], [], [], False, ()),
        ("prompt", ["toxicity"], [], [], False, ("toxicity",)),
        ("prompt", ["toxicity"], ["toxicity"], [], False, ("toxicity",)),
        ("prompt", ["pii"], [], ["pii.PERSON"], False, ("false alarm pii",)),
        ("response", [], ["toxicity", "toxicity.insult"], [], False, ("missed toxicity",)),
        ("response", [], ["relevant", "correct"], [], False, ()),
        ("response", [], [], ["relevant", "correct"], True, ("not relevant", "not correct", "disliked")),
        ("prompt", [], [], ["relevant"], True, ()),
        ("response", ["relevance"], ["relevant"], [], False, ("false alarm relevance",)),
        ("response", ["relevance"], [], ["relevant"], False, ("relevance", "not relevant")),
    ],
)
def test_what_went_wrong(side, guards, agreed, denied, disliked, expected):
    """Guards, readers and users each have their say."""
    assert failings(side, guards, agreed, denied, disliked=disliked) == expected
