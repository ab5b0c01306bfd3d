"""Streamed answers as events: what is told is never taken back without saying so."""

import asyncio
import json

import pytest

from schemas.reply import Reply
from schemas.work import Streamed
from streams.client.unfolding import Piece
from streams.gateway.answers import Written
from streams.gateway.telling import Telling
from tests.unit.test_client_unfolding import FIRST, named, reply


class Told:
    """A stream of these pieces, with this reply at its end."""

    def __init__(self, pieces, said: Reply):
        self._pieces = iter(pieces)
        self._said = said
        self.reply = None
        self.closed = False

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return next(self._pieces)
        except StopIteration:
            self.reply = self._said
            raise StopAsyncIteration from None

    async def close(self):
        self.closed = True


def events(pieces, said):
    """The bodies of the events."""

    async def collect():
        stream = Told(pieces, said)
        telling = Telling(Written("r", "m", 1), stream, include_usage=False)
        await telling.begin()
        found = [event async for event in telling.events()]
        assert stream.closed
        return found

    found = asyncio.run(collect())
    return [json.loads(event.removeprefix(b"data: ")) for event in found if b"[DONE]" not in event]


def contents(bodies):
    return "".join(body["choices"][0]["delta"].get("content", "") for body in bodies if "choices" in body)


OK = named(FIRST, 2)
BACK = Streamed(attempt=FIRST, chunks=2, retracted=True)


@pytest.mark.parametrize(
    ("pieces", "said", "text", "end"),
    [
        ([Piece("A"), Piece("b")], reply("Ab", stream=OK), "Ab", "stop"),
        ([Piece("A"), Piece("A", reset=True), Piece("b")], reply("Ab", stream=OK), "Ab", "stop"),
        ([Piece("Ab"), Piece("A", reset=True), Piece("bc")], reply("Abc", stream=OK), "Abc", "stop"),
        ([Piece("A"), Piece("C", reset=True)], reply("C", stream=OK), "A", "answer_changed"),
        ([Piece("A"), Piece("<X>", reset=True)], reply("<X>", status="redacted", stream=BACK), "A", "answer_retracted"),
        (
            [Piece("A"), Piece("", reset=True)],
            reply(status="withheld", message="No.", stream=BACK),
            "A",
            "content_filter",
        ),
        ([], reply(status="withheld", message="No."), "No.", "content_filter"),
        ([Piece("A"), Piece("", reset=True)], reply(status="error", code="MODEL_FAILED"), "A", "model_failed"),
    ],
    ids=["whole", "begun anew", "caught up", "another answer", "redacted after", "cut", "refused", "failed"],
)
def test_what_is_told(pieces, said, text, end):
    """The events' text, and how they end: as the answer does, or by an error that says what became of it."""
    bodies = events(pieces, said)
    last = bodies[-1]
    assert contents(bodies) == text
    assert (last["error"]["code"] if "error" in last else last["choices"][0]["finish_reason"]) == end
