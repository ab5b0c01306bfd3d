"""Notes of what is answered beyond a committed offset."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.infer.answered import SPAN, read_note, write_note

LIMIT = 4096
"""What brokers take by default (offset.metadata.max.bytes)."""


@given(st.integers(0, 2**50), st.sets(st.integers(1, SPAN - 1), max_size=300))
def test_a_note_names_what_was_written_and_fits(base, places):
    """Whatever is answered within the span comes back, and a broker takes the note."""
    offsets = {base + place for place in places}
    note = write_note(base, sorted(offsets))
    assert read_note(base, note) == offsets
    assert len(note) < LIMIT


def test_the_longest_note_fits():
    """Every second offset of the whole span is answered."""
    assert len(write_note(7, range(8, 7 + SPAN, 2))) < LIMIT


@pytest.mark.parametrize("note", [None, "", "answered:?", "answered:é", "somebody else's", "answered:abc"])
def test_what_is_no_note_of_ours_names_nothing(note):
    """Another tool may have committed."""
    assert read_note(5, note) == frozenset()
