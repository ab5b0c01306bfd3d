"""Effects as messages."""

import pytest

from schemas.errors import Code, WeirError
from schemas.reply import Settlement
from streams.settle.effects import Recorded, Refused
from streams.settle.entry import moment
from streams.settle.publishing import Scribe
from streams.settle.step import Consequence, PoisonError
from tests.fixtures.settle_scene import NAMES, START, Scene


@pytest.fixture
def request_message():
    return Scene().write_request("r-1")


def test_what_cannot_be_written_is_the_fault_of_its_message(request_message):
    """A bug in the writing names the message, so that it becomes a dead letter instead of a crash for ever."""
    broken = Recorded(Settlement.model_construct(request_id=object()))
    with pytest.raises(PoisonError) as caught:
        Scribe(NAMES).publications([Consequence(broken, request_message)], moment(START))
    assert caught.value.spot == (request_message.topic, request_message.partition, request_message.offset)


def test_a_dead_letter_is_written_for_its_message(request_message):
    """A refused message goes to the dead letters of its topic with its bytes."""
    refused = Refused(WeirError("no such hold", code=Code.NOT_HELD))
    (letter,) = Scribe(NAMES).publications([Consequence(refused, request_message)], moment(START))
    assert letter.topic == f"{request_message.topic}.dlq"
    assert letter.message.value == request_message.value
