"""The demo's streamed answer: the small model says the key, without which nothing would have to be cut."""

from datetime import UTC, datetime

import pytest

from schemas.codec import Event
from schemas.envelope import Envelope, event_type
from schemas.topics import WORK_INTERACTIVE
from streams.demo.streamed import KEY, NOTES, QUESTION, TOKENS
from streams.infer.prompts import Prompts
from tests.fixtures.infer_side import work

pytestmark = pytest.mark.weights


def test_the_model_repeats_the_notes(continuous_engine):
    """Greedily, as the demo asks it: the key is in the answer. tests/e2e/test_streamed.py shows the cut."""
    now = datetime.now(UTC)
    envelope = Envelope(id="e1", source="demo", type=event_type(WORK_INTERACTIVE.type_name), time=now)
    asked = work(QUESTION, context=[NOTES], parameters={"max_tokens": TOKENS})
    continuous_engine.submit(1, Prompts(9).make(Event(envelope=envelope, record=asked, conversation="c1"), now))
    done = ()
    while not done:
        done = continuous_engine.step()
    assert KEY in done[0].answer.text
