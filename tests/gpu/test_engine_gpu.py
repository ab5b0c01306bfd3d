"""The continuous engine on a GPU: recordings, memory, and the same answers as without them."""

import pytest

from models.catalog import find_entry
from models.generation.choice import Wishes, choose_engine
from models.generation.generator import Prompt
from models.store import FileState, verify
from schemas.conversation import Message
from streams.settings import load_settings

pytestmark = [pytest.mark.gpu, pytest.mark.weights]


@pytest.fixture(scope="module")
def engine(cuda):
    directory = load_settings().models_directory
    if any(report.state is not FileState.OK for report in verify(find_entry("smollm2-135m"), directory)):
        pytest.skip("the language model is not in place; run: weir models fetch")
    made = choose_engine("smollm2-135m", directory, Wishes(device="cuda"))
    made.load()
    yield made
    made.close()


def generate(engine, count, tokens):
    for ticket in range(count):
        text = f"Tell me something about the number {ticket}. " * (1 + ticket % 7)
        engine.submit(ticket, Prompt((Message(role="user", content=text),), tokens))
    done = {}
    while len(done) < count:
        done.update((each.ticket, each.answer) for each in engine.step())
    return [done[ticket] for ticket in range(count)]


def test_recordings_are_used_and_change_hardly_an_answer(engine):
    """Half precision may choose another word now and then, where two were equally likely."""
    passes = engine._state.passes
    assert passes._recordings is not None
    recorded = generate(engine, 150, 24)
    kept, passes._recordings = passes._recordings, None
    plain = generate(engine, 150, 24)
    passes._recordings = kept
    assert all(answer.code is None for answer in (*recorded, *plain))
    assert sum(one.text == other.text for one, other in zip(recorded, plain, strict=True)) > 100


def test_the_model_knows_what_it_knows(engine):
    """The answer is the one that the model gives on a CPU."""
    engine.submit(1, Prompt((Message(role="user", content="What is the capital of France?"),), 12))
    done = []
    while not done:
        done += engine.step()
    assert "Paris" in done[0].answer.text
