"""Chunks and a reply, in any state that they may come in, read as one answer."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.reply import Reply
from schemas.stream import Chunk
from schemas.work import Streamed
from streams.client.unfolding import Piece, Unfolding

WHO = {"request_id": "r", "request_source": "s", "app": "a", "conversation": "c"}
FIRST, SECOND = UUID(int=1), UUID(int=2)


def chunk(seq, text, attempt=FIRST):
    return Chunk(**WHO, attempt=attempt, seq=seq, reset=seq == 0, text=text)


def reply(text=None, status="delivered", stream=None, **more):
    facts = {"final": True, "answered_by": "judge", "action": "allow", **more}
    return Reply(**WHO, status=status, text=text, stream=stream, **facts)


def named(attempt, chunks, retracted=False):
    return Streamed(attempt=attempt, chunks=chunks, retracted=retracted)


def read(*found):
    """The pieces, and what a reader has who forgets at every reset."""
    unfolding, text = Unfolding(), ""
    pieces = [piece for piece in map(unfolding.take, found) if piece is not None]
    for piece in pieces:
        text = piece.text if piece.reset else text + piece.text
    return pieces, text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ([chunk(0, "A"), chunk(1, "b"), reply("Ab", stream=named(FIRST, 2))], "Ab"),
        ([reply("Ab")], "Ab"),
        ([chunk(0, "A"), reply("Ab", stream=named(FIRST, 2)), chunk(1, "b")], "Ab"),
        ([chunk(0, "A"), chunk(0, "A"), chunk(1, "b"), chunk(1, "b"), reply("Ab", stream=named(FIRST, 2))], "Ab"),
        ([chunk(0, "A"), chunk(0, "C", SECOND), chunk(1, "b"), reply("C", stream=named(SECOND, 1))], "C"),
        ([chunk(0, "A"), reply("C", stream=named(SECOND, 1))], "C"),
        ([chunk(0, "A"), reply("<X>", stream=named(FIRST, 1, retracted=True))], "<X>"),
        ([chunk(0, "A"), reply(status="withheld", stream=named(FIRST, 1, retracted=True))], ""),
        ([chunk(0, "A"), reply(status="error", code="DEADLINE_EXCEEDED")], ""),
        ([chunk(0, "A"), reply(status="held", final=False), reply("Ab", stream=named(FIRST, 2, retracted=True))], "Ab"),
        ([reply(status="withheld")], ""),
    ],
    ids=[
        "as it should be", "no chunks", "the reply first", "twice", "two attempts", "an attempt that was not read",
        "redacted after", "withheld", "the deadline", "released after a hold", "withheld before",
    ],
)  # fmt: skip
def test_a_reader_has_the_replys_text(found, text):
    """Whatever came before it, and however often, in the end there is what the reply says."""
    assert read(*found)[1] == text


def test_an_answer_that_stands_has_no_reset():
    """Where nothing is taken back, pieces only add."""
    pieces, _ = read(chunk(0, "A"), chunk(1, "b"), reply("Ab", stream=named(FIRST, 2)))
    assert pieces == [Piece("A"), Piece("b")]


@given(
    order=st.lists(st.tuples(st.sampled_from([FIRST, SECOND]), st.integers(0, 3)), max_size=12),
    which=st.sampled_from([FIRST, SECOND, None]),
)
def test_no_order_of_chunks_changes_the_end(order, which):
    """Lost, repeated and mixed chunks of two attempts end in the reply's text."""
    found = [chunk(seq, f"{attempt.int}{seq} ", attempt) for attempt, seq in order]
    text = "".join(f"{which.int}{seq} " for seq in range(4)) if which else "else"
    said = reply(text, stream=named(which, 4) if which else None)
    assert read(*found, said)[1] == text
