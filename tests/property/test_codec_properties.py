import json
from contextlib import suppress
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import Message, decode, encode
from schemas.conversation import Interaction
from schemas.conversation import Message as ChatMessage
from schemas.envelope import Envelope
from schemas.errors import UnreadableError

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=40)  # lone surrogates and NULs included
IDENTIFIERS = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=40)
MESSAGES = st.builds(ChatMessage, role=st.sampled_from(["user", "assistant", "system"]), content=ANY_TEXT)
ENVELOPES = st.builds(
    Envelope,
    id=IDENTIFIERS,
    source=IDENTIFIERS,
    type=st.just("weir.interaction.v1"),
    time=st.datetimes(datetime(1970, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants naive bounds
)


@given(st.lists(MESSAGES, min_size=1, max_size=4), ANY_TEXT.filter(str.strip), ENVELOPES)
def test_round_trip(prompt, response, envelope):
    """Whatever is encoded decodes to the same record and envelope."""
    record = Interaction(app="a", prompt=tuple(prompt), response=response)
    out = encode(record, envelope, "k")
    raw = Message("weir.interactions", 0, 0, datetime(2026, 1, 1, tzinfo=UTC), out.key, out.value, out.headers)
    event = decode(raw, Interaction, "interaction")
    assert event.record == record
    assert event.envelope == envelope


HEADER_NAMES = st.sampled_from(["ce_id", "ce_type", "ce_time", "ce_source", "ce_specversion", "content-type", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=4),
)


@settings(max_examples=300)
@given(
    st.none() | st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()),
    st.lists(st.tuples(HEADER_NAMES, st.binary(max_size=20) | st.none()), max_size=5),
    st.none() | st.binary(max_size=20),
)
def test_any_message_decodes_or_is_named(value, headers, key):
    """Any bytes at all give an event or an UnreadableError with a code, never another exception."""
    raw = Message("weir.interactions", 0, 0, datetime(2026, 1, 1, tzinfo=UTC), key, value, headers)
    with suppress(UnreadableError):
        decode(raw, Interaction, "interaction")
