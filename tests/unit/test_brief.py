"""What `weir tail` prints of a record, as one line."""

import pytest

from streams.cli.brief import brief

FINDING = {"guard": "pii", "label": "EMAIL_ADDRESS", "score": 1.0}
SIDE = {
    "findings": [FINDING, {"guard": "injection", "label": "injection", "score": None}],
    "text": "Hi \u0645 \x1b[31m",
}
VERDICT = {"stage": "screen", "run": "live", "app": "shop", "judgement": {"action": "redact", "prompt": SIDE}}
REPLY = {
    "status": "delivered", "app": "shop", "request_id": "q-17", "action": "flag", "answered_by": "judge",
    "model": "small", "usage": {"prompt_tokens": 5, "completion_tokens": 12}, "text": "A text.",
}  # fmt: skip


@pytest.mark.parametrize(
    ("topic", "body", "line"),
    [
        ("verdicts", VERDICT, "redact     screen  shop  pii EMAIL_ADDRESS 1.00, injection  “Hi \u0645 \\x1b[31m”"),
        (
            "replies",
            REPLY,
            "delivered  shop q-17  flag by judge  small  5 tokens in, 12 out  “A text.”",
        ),
        (
            "replies",
            {**REPLY, "status": "error", "text": None, "usage": None, "model": None, "code": "UNKNOWN_APP"},
            "error      shop q-17  flag by judge  UNKNOWN_APP",
        ),
        ("requests", {"app": "shop", "messages": [{"role": "user", "content": "Who?"}]}, "shop       “Who?”"),
        ("interactions", {"app": "shop", "prompt": "Who?", "response": "I."}, "shop       “Who?”  “I.”"),
        ("interactions", {"app": "a\x1bb", "response": "I."}, "a\\x1bb     “I.”"),
    ],
    ids=["verdict", "reply", "refusal", "request", "interaction", "escape"],
)
def test_a_record_is_one_line(topic, body, line):
    """What happened, to whom, why, and the beginning of the text; nothing that a terminal obeys."""
    assert brief(topic, body).plain == line


@pytest.mark.parametrize("body", [None, "x", [], {}, {"app": 5}, {"judgement": 1}, {"judgement": {"action": "new"}}])
@pytest.mark.parametrize("topic", ["requests", "interactions", "replies", "verdicts", "settled"])
def test_what_is_no_such_record_has_no_line(topic, body):
    """It is shown whole instead."""
    assert brief(topic, body) is None
