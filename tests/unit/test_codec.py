import json
from datetime import UTC, datetime

import pytest

from schemas.codec import ORIGIN_HEADER, EventError, Message, decode, dump_json, encode, parse_json
from schemas.conversation import Interaction, Request
from schemas.envelope import Envelope
from schemas.errors import Code, UnreadableError

BODY = {"app": "default", "prompt": "What is Kafka?", "response": "A log."}
CANARY = "xK9-canary-Zq7"


def message(value, headers=(), key=b"c-1", offset=7):
    return Message("weir.interactions", 2, offset, datetime(2026, 1, 2, tzinfo=UTC), key, value, headers)


def binary(event_type="weir.interaction.v1", **more):
    headers = {"ce_specversion": "1.0", "ce_id": "e-1", "ce_source": "shop", "ce_type": event_type, **more}
    return [(name, text.encode()) for name, text in headers.items()]


def read(value, headers=(), **more):
    return decode(message(value, headers, **more), Interaction, "interaction")


def test_binary_mode():
    """A binary CloudEvent keeps the producer's id, source and time."""
    event = read(json.dumps(BODY).encode(), binary(ce_time="2025-05-05T10:00:00Z"))
    assert (event.envelope.id, event.envelope.source, event.envelope.identified) == ("e-1", "shop", True)
    assert event.envelope.time == datetime(2025, 5, 5, 10, tzinfo=UTC)
    assert event.conversation == "c-1"


@pytest.mark.parametrize("headers", [[("content-type", b"application/cloudevents+json; charset=utf-8")], []])
def test_structured_mode(headers):
    """A structured CloudEvent is read with its content type, and recognised without it."""
    outer = {"specversion": "1.0", "id": "e-2", "source": "shop", "type": "weir.interaction.v1", "data": BODY}
    event = read(json.dumps(outer).encode(), headers)
    assert (event.envelope.id, event.record.app) == ("e-2", "default")


def test_bare_json():
    """A bare body takes its id from its position, its source from the topic and its time from the broker."""
    event = read(json.dumps(BODY).encode())
    assert event.envelope.id == "weir.interactions:2:7"
    assert event.envelope.source == "weir.interactions"
    assert event.envelope.time == datetime(2026, 1, 2, tzinfo=UTC)
    assert not event.envelope.identified


def test_origin_header_keeps_the_first_position():
    """A replayed event without an id keeps the one from its first position."""
    event = read(json.dumps(BODY).encode(), [(ORIGIN_HEADER, b"weir.interactions:0:3")], offset=99)
    assert event.envelope.id == "weir.interactions:0:3"


def test_confluent_framing():
    """Five bytes of Confluent framing in front of the JSON are skipped."""
    assert read(b"\x00\x00\x00\x00\x2a" + json.dumps(BODY).encode()).record.prompt[0].content == "What is Kafka?"


def test_unknown_fields_are_ignored():
    """A field of a newer minor version does no harm."""
    assert read(json.dumps(BODY | {"novelty": 1}).encode()).record.app == "default"


def test_clients_own_time_is_kept_whatever_it_says():
    """Times of 1970 and 2099 are read as they are; nothing depends on them."""
    for year in (1970, 2099):
        event = read(json.dumps(BODY).encode(), binary(ce_time=f"{year}-01-01T00:00:00Z"))
        assert event.envelope.time.year == year


@pytest.mark.parametrize(
    ("value", "headers", "code", "field"),
    [
        (None, (), Code.EMPTY_MESSAGE, "value"),
        (b"", (), Code.EMPTY_MESSAGE, "value"),
        (b"  \n", (), Code.EMPTY_MESSAGE, "value"),
        (CANARY.encode(), (), Code.MALFORMED_JSON, "value"),
        (b'{"app": "\xff"}', (), Code.MALFORMED_JSON, "value"),
        (b'{"app": NaN}', (), Code.MALFORMED_JSON, "value"),
        (b'{"app": 1e999}', (), Code.MALFORMED_JSON, "value"),
        (b"[" * 100_000, (), Code.MALFORMED_JSON, "value"),
        (b'"' + CANARY.encode() + b'"', (), Code.WRONG_TYPE, "value"),
        (b"{}", (), Code.MISSING_FIELD, "app"),
        (b'{"app": "a"}', (), Code.MISSING_FIELD, "value"),
        (b'{"app": 3, "prompt": "x"}', (), Code.WRONG_TYPE, "app"),
        (b'{"app": "a\\u0000b", "prompt": "x"}', (), Code.INVALID_FIELD, "app"),
        (b'{"app": "a", "prompt": " ", "response": ""}', (), Code.EMPTY_MESSAGE, "value"),
        (b'{"app": "a", "prompt": [{"role": "user", "content": 5}]}', (), Code.WRONG_TYPE, "prompt.0.content"),
        (b'{"app": "a", "prompt": [{"role": "wizard", "content": "x"}]}', (), Code.INVALID_FIELD, "prompt.0.role"),
        (b'{"app": "a", "prompt": "x", "context": "y"}', (), Code.WRONG_TYPE, "context"),
        (b"{}", [("ce_id", b"x" * 5000)], Code.TOO_LARGE, "ce_id"),
        (b"{}", [("ce_id", b"\xff")], Code.MALFORMED_ENVELOPE, "ce_id"),
        (b"{}", [("ce_id", b"")], Code.MALFORMED_ENVELOPE, "ce_id"),
        (b"{}", [("ce_time", b"yesterday")], Code.MALFORMED_ENVELOPE, "ce_time"),
        (b"{}", [("ce_id", b"known"), ("\\xff", b"")], Code.MALFORMED_ENVELOPE, "headers"),
        (b"{}", binary("weir.interaction.v2"), Code.UNSUPPORTED_VERSION, "type"),
        (b"{}", binary("weir.request.v1"), Code.UNSUPPORTED_TYPE, "type"),
        (b"{}", binary(ce_specversion="0.3"), Code.UNSUPPORTED_VERSION, "specversion"),
    ],
)
def test_bad_input_is_named(value, headers, code, field):
    """Every kind of bad input has a code and the field's name, and its text is nowhere in the error."""
    with pytest.raises(UnreadableError) as caught:
        read(value, headers)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert CANARY not in f"{caught.value}{caught.value!r}"


def test_an_identified_event_with_a_bad_body_can_be_answered():
    """Where the producer gave an id, a bad body is an EventError that carries the envelope and the conversation."""
    with pytest.raises(EventError) as caught:
        read(b"not json", binary())
    assert caught.value.envelope.id == "e-1"
    assert caught.value.conversation == "c-1"


@pytest.mark.parametrize(
    ("deadline", "code"),
    [(-1, Code.INVALID_FIELD), (0, Code.INVALID_FIELD), (10**12, Code.INVALID_FIELD), (True, Code.WRONG_TYPE),
     ("soon", Code.INVALID_FIELD), ([], Code.WRONG_TYPE)],
)  # fmt: skip
def test_bad_deadlines(deadline, code):
    """A deadline that is negative, absurd or of a wrong type is refused by name."""
    body = {"app": "a", "messages": [{"role": "user", "content": "x"}], "deadline": deadline}
    with pytest.raises(UnreadableError) as caught:
        decode(message(json.dumps(body).encode()), Request, "request")
    assert (caught.value.code, caught.value.field) == (code, "deadline")


def test_openai_text_parts_are_joined():
    """Content as a list of text parts is one text; the null content of a tool call is empty."""
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    body = {"app": "a", "messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": None}]}
    record = decode(message(json.dumps(body).encode()), Request, "request").record
    assert [m.content for m in record.messages] == ["one\ntwo", ""]


def test_records_hide_user_text():
    """No repr of a message, a record or an event shows what people wrote."""
    raw = message(json.dumps(BODY | {"prompt": CANARY, "response": CANARY, "context": [CANARY]}).encode())
    assert CANARY not in repr(raw)
    assert CANARY not in repr(decode(raw, Interaction, "interaction"))


@pytest.mark.parametrize(
    ("key", "conversation"),
    [(b"c-9", "c-9"), (b"\xff\x00", "ff00"), ("né".encode(), "né"), (b"a\nb", "610a62"), (None, "e-1"), (b"", "e-1")],
)
def test_the_key_is_the_conversation(key, conversation):
    """The conversation is the key where it is a readable identifier, its hexadecimal otherwise, else the event id."""
    assert read(json.dumps(BODY).encode(), binary(), key=key).conversation == conversation


def test_lone_surrogates_survive():
    """A lone surrogate, which UTF-8 cannot hold, goes through decode and encode as a JSON escape."""
    event = read(b'{"app": "a", "prompt": "\\ud83d alone"}')
    assert event.record.prompt[0].content == "\ud83d alone"
    value = encode(event.record, event.envelope, "k").value
    assert parse_json(value)["prompt"][0]["content"] == "\ud83d alone"


def test_encode_is_binary_mode():
    """What we write carries its attributes in headers and reads back as the same event."""
    record = Interaction(app="a", prompt="سلام 👋")
    envelope = Envelope(id="i", source="s", type="weir.interaction.v1", time=datetime(2026, 1, 1, tzinfo=UTC))
    out = encode(record, envelope, "k")
    assert dict(out.headers)["ce_type"] == b"weir.interaction.v1"
    event = decode(message(out.value, out.headers, key=out.key), Interaction, "interaction")
    assert (event.record, event.envelope) == (record, envelope)


def test_dump_json_refuses_what_it_does_not_know():
    """An object without a JSON form is a bug, not a silent string."""
    with pytest.raises(TypeError):
        dump_json({"a": object()})


@pytest.mark.parametrize("trace", ["\ud800", "Ann, 12 Elm Street", "a" * 100_000, 5, ["00"], None])
def test_what_is_no_trace_is_not_carried_on(trace):
    """A trace that is none costs an event nothing but the trace: what is made of the event can still be written."""
    outer = {"specversion": "1.0", "id": "e-2", "source": "shop", "type": "weir.interaction.v1", "data": BODY}
    event = read(json.dumps({**outer, "traceparent": trace, "tracestate": "\ud800"}).encode())
    names = {name for name, _ in encode(event.record, event.envelope, event.conversation).headers}
    assert names.isdisjoint({"traceparent", "tracestate"})
