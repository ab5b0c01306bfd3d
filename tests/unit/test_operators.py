import pytest

from guards.exchange import Exchange
from guards.operators import Operators, masked
from guards.pipeline import Case, Pipeline
from guards.redaction import redact, restore
from schemas.conversation import Message
from schemas.policy import Policy, Redaction
from tests.fixtures.guards import CountingEncoder, SpanGuard

POLICY = Policy.model_validate({"id": "p", "version": 1, "prompt": {"pii": {"redact": 0.5}}})


def redacted(*texts, salt=b"salt", **redaction):
    exchange = Exchange(tuple(Message(role="user", content=text) for text in texts))
    judgement = Pipeline([SpanGuard()], CountingEncoder()).judge([Case(exchange, POLICY)])[0]
    return redact(exchange, judgement, operators=Operators(Redaction.model_validate(redaction), salt))


def contents(out):
    return [message.content for message in out.exchange.prompt]


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("replace", "I am <NAME_1>, Ben"), ("mask", "I am ***, Ben"), ("drop", "I am , Ben")],
)
def test_operators(operator, expected):
    """Each operator puts its own in the place of a name, and leaves the rest."""
    assert contents(redacted("I am Ann, Ben", operator=operator)) == [expected]


def test_only_placeholders_are_undone():
    """What was masked, hashed or dropped has no value to be put back; the exchange still counts as changed."""
    for operator in ("mask", "hash", "drop"):
        out = redacted("I am Ann", operator=operator)
        assert out.placeholders == {}
        assert out.changed
        assert restore(contents(out)[0], out.placeholders) == contents(out)[0]
    assert not redacted("I am Ben").changed


def test_another_operator_for_a_label():
    """A label's own operator counts before the general one."""
    assert contents(redacted("Ann", operator="drop", labels={"NAME": "mask"})) == ["***"]
    assert contents(redacted("Ann", operator="mask", labels={"KEY": "drop"})) == ["***"]


def test_hashes_tell_values_apart_and_hide_them():
    """The same value has the same digest in every text, another salt another one; no digit of it is the value's."""
    [one, two] = contents(redacted("Ann", "so Ann", operator="hash"))
    assert two == f"so {one}"
    assert one != contents(redacted("Ann", operator="hash", salt=b"other"))[0]
    assert one.startswith("<NAME#")
    assert len(one) == len("<NAME#>") + 12


def test_a_message_is_never_emptied():
    """Where dropping would leave nothing of a message, its label stays."""
    assert contents(redacted("Ann", "  Ann ", operator="drop")) == ["<NAME>", "<NAME>"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("4111 1111 1111 1234", "**** **** **** 1234"),
        ("+44 20 7946-0958", "+** ** ****-0958"),
        ("12345", "*****"),
        ("ann@example.com", "***@*******.***"),
        ("Zoe\u0308", "***"),
        ("👋🏽 José", "* ****"),
        ("محمد", "****"),
        ("", ""),
    ],
)
def test_masks(value, expected):
    """One star for what is seen as one character; the last four stay of eight digits and more."""
    assert masked(value) == expected
