"""Placeholders by example."""

import pytest

from guards.exchange import Exchange
from guards.guard import Side
from guards.pii import PiiGuard
from guards.pipeline import Case, Pipeline
from guards.redaction import redact, restore
from guards.secrets import SecretsGuard
from schemas.conversation import Message
from schemas.policy import Policy
from tests.fixtures.guards import CountingEncoder, SpanGuard

REDACT = {"redact": 0.5}
POLICY = Policy.model_validate({"id": "p", "version": 1, **{side: {"pii": REDACT, "secrets": REDACT} for side in Side}})


def redacted(exchange, *guards, policy=POLICY):
    pipeline = Pipeline(guards or [SpanGuard()], CountingEncoder())
    return redact(exchange, pipeline.judge([Case(exchange, policy)])[0])


def response(text, *guards):
    return redacted(Exchange(response=text), *guards).exchange.response


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann", "<NAME_1>"),
        ("AnnAnn", "<NAME_1><NAME_1>"),
        ("<NAME_1> Ann", "<NAME_1> <NAME_2>"),
        ("<NAME_2> Ann <NAME_1>", "<NAME_2> <NAME_3> <NAME_1>"),
        ("<Ann>", "<<NAME_1>>"),
        ("<NAME_1Ann>", "<NAME_1<NAME_1>>"),
        ("nobody", "nobody"),
        ("", ""),
    ],
)
def test_placeholders(text, expected):
    """Numbers start at 1 and pass over those that the text has taken."""
    assert response(text) == expected


def test_all_sides_share_their_placeholders():
    """The same value is the same placeholder in messages, response and passages."""
    prompt = (Message(role="system", content="of Bob"), Message(role="user", content="Ann and Bob"))
    out = redacted(
        Exchange(prompt, "Ann!", ("Bob?", "")), SpanGuard(), SpanGuard(name="secrets", label="KEY", needle="Bob")
    )
    assert [message.content for message in out.exchange.prompt] == ["of <KEY_1>", "<NAME_1> and <KEY_1>"]
    assert [message.role for message in out.exchange.prompt] == ["system", "user"]
    assert (out.exchange.response, out.exchange.context) == ("<NAME_1>!", ("<KEY_1>?", ""))
    assert out.placeholders == {"<KEY_1>": "Bob", "<NAME_1>": "Ann"}


def test_overlapping_findings_share_one_placeholder():
    """What two guards find in one place is one value, under the label of the longer one."""
    out = response("x Anna y", SpanGuard(), SpanGuard(name="secrets", label="KEY", needle="Anna"))
    assert out == "x <KEY_1> y"


def test_companions_are_left_alone_and_their_placeholders_untaken():
    """A side that was judged before is not redacted again; its placeholders keep their meaning."""
    exchange = Exchange(
        (Message(role="user", content="I am <NAME_1>, not Ann"),), "Ann?", judged=frozenset({"response"})
    )
    out = redacted(exchange)
    assert out.exchange.prompt == exchange.prompt
    assert out.exchange.response == "<NAME_2>?"


def test_a_text_that_nobody_read_is_replaced_as_a_whole():
    """Redacting what is too long to be searched leaves none of it, message by message."""
    policy = POLICY.model_copy(update={"max_chars": 10, "too_long": "redact"})
    prompt = (
        Message(role="user", content="Ann " * 3),
        Message(role="tool", content=""),
        Message(role="user", content="x"),
    )
    out = redacted(Exchange(prompt), policy=policy)
    assert [message.content for message in out.exchange.prompt] == ["<TOO_LONG_1>", "", "<TOO_LONG_2>"]
    assert restore("<TOO_LONG_1>", out.placeholders) == "Ann " * 3


def test_placeholders_are_no_personal_data():
    """The real guards let placeholders through, so that what screen redacted is not redacted again by judge."""
    guards = PiiGuard(), SecretsGuard()
    for guard in guards:
        guard.load()
    text = "Mail zoe@example.org or bob@example.org, card 4111 1111 1111 1111, 10.20.30.40, key AKIAIOSFODNN7EXAMPLE."
    once = redacted(Exchange(response=text), *guards)
    assert len(once.placeholders) >= 4
    again = redacted(once.exchange, *guards)
    assert again.exchange.response == once.exchange.response
    assert restore(again.exchange.response, once.placeholders) == text


def test_many_values_in_many_messages():
    """Every one of 25,000 finds is replaced, past as many placeholders that were there before."""
    prompt = tuple(Message(role="user", content="Ann <NAME_1>" * 50) for _ in range(500))
    policy = POLICY.model_copy(update={"max_chars": 10_000_000})
    out = redacted(Exchange(prompt), policy=policy)
    assert all(message.content == "<NAME_2> <NAME_1>" * 50 for message in out.exchange.prompt)
