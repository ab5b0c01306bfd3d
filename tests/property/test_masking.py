"""Masking keeps all that is outside and nothing that is inside."""

import string
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from guards.guard import Hit
from guards.masking import mask
from guards.spans import drop_dominated, resolve

# No character of a placeholder, so that what survives can be told from what was put in.
ALPHABET = st.characters(exclude_characters=string.ascii_uppercase + "_<>", exclude_categories=())
LABELS = st.sampled_from(["EMAIL_ADDRESS", "PHONE_NUMBER", "JWT"])


@st.composite
def texts_with_hits(draw):
    """A text of any code points, lone surrogates included, and hits within it, in any order."""
    text = draw(st.text(ALPHABET, max_size=40))
    ends = st.integers(0, len(text))
    scores = st.sampled_from([0.3, 0.6, 0.9])
    spans = draw(st.lists(st.tuples(ends, ends, LABELS, scores), max_size=8))
    return text, [Hit(label, score, min(a, b), max(a, b)) for a, b, label, score in spans]


def covered(hits):
    return {point for hit in hits for point in range(hit.start, hit.end)}


@given(texts_with_hits())
def test_what_is_outside_survives_and_nothing_else(case):
    """Without its placeholders, a masked text is exactly the code points that no hit covers."""
    text, hits = case
    masked = mask(text, hits)
    for label in ("EMAIL_ADDRESS", "PHONE_NUMBER", "JWT"):
        masked = masked.replace(f"<{label}>", "")
    inside = covered(hits)
    assert masked == "".join(character for at, character in enumerate(text) if at not in inside)


@given(texts_with_hits(), st.randoms())
def test_order_repetition_and_resolution_change_nothing(case, random):
    """A mask depends on what is covered and why, not on how the hits were listed or whether they were resolved."""
    text, hits = case
    shuffled = hits + hits[: len(hits) // 2]
    random.shuffle(shuffled)
    assert mask(text, shuffled) == mask(text, hits) == mask(text, resolve(hits))


@given(texts_with_hits())
def test_resolved_hits_are_disjoint_and_cover_the_same(case):
    """Resolution loses no code point, adds none, and leaves nothing to resolve."""
    _, hits = case
    resolved = resolve(hits)
    assert covered(resolved) == covered(hits)
    assert all(first.end <= second.start for first, second in pairwise(resolved))
    assert resolve(resolved) == resolved


@given(texts_with_hits(), st.sampled_from([0.3, 0.6, 0.9]))
def test_dropping_the_dominated_uncovers_nothing_at_any_threshold(case, threshold):
    """What some hit past a threshold covers is still covered by one past it."""
    _, hits = case
    before = covered(hit for hit in hits if hit.score >= threshold)
    assert covered(hit for hit in drop_dominated(hits) if hit.score >= threshold) == before
