"""What earlier versions wrote is still read: an upgrade finds it in the topics."""

import json
from uuid import UUID

import pytest

from schemas.codec import decode, dump_json
from schemas.policy import PolicyBook
from streams.policies.assignment import FixedPolicies
from streams.settle.settlements import Origin
from streams.settle.state import Settler, Terms
from tests.fixtures.earlier_records import earlier_messages
from tests.fixtures.settle_scene import POLICY, REMEMBER

MESSAGES = list(earlier_messages())
IDS = [f"{topic.name}-{message.offset}" for topic, message in MESSAGES]


def kept(then, now):
    """Of what there is now, what stood there then: fields that were added are left out, at every depth."""
    if isinstance(then, dict) and isinstance(now, dict):
        return {name: kept(then[name], now[name]) for name in then if name in now}
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return [kept(*pair) for pair in zip(then, now, strict=True)]
    return now


@pytest.mark.parametrize(("topic", "message"), MESSAGES, ids=IDS)
def test_every_field_that_was_written_is_read(topic, message):
    """The record says all that the message does; what has been added since has its default."""
    record = decode(message, topic.record, topic.type_name).record
    now, then = json.loads(dump_json(record.to_json())), json.loads(message.value)
    assert kept(then, now) == then


def test_settle_goes_on_from_what_an_earlier_version_left():
    """Open, held and settled requests are restored from their records."""
    origin = Origin("weir.requests", "requests")
    settler = Settler(Terms(origin, FixedPolicies(PolicyBook([POLICY])), None, REMEMBER))
    settlements = [(topic, message) for topic, message in MESSAGES if topic.name == "settled"]
    for topic, message in settlements:
        key = UUID(message.key.decode()).bytes
        settler.restore(key, decode(message, topic.record, topic.type_name).record, 0)
    assert (settler.book.open, settler.book.held, settler.book.settled) == (1, 1, 1)
