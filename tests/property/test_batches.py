"""Messages into batches, for any mixture of partitions, months and sizes."""

from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise

from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Message
from streams.store.batches import Batch, Buffer, Limits, plan, size

START = datetime(2026, 1, 30, tzinfo=UTC)


@st.composite
def reads(draw):
    """What a consumer may have read: partitions interleaved, each in offset order and of a clock that goes on."""
    offsets, hours, messages = {}, {}, []
    for _ in range(draw(st.integers(0, 40))):
        place = draw(st.sampled_from([("a", 0), ("a", 1), ("b", 0)]))
        offsets[place] = offsets.get(place, -1) + draw(st.integers(1, 3))
        hours[place] = hours.get(place, 0) + draw(st.integers(0, 400))
        value = b"x" * draw(st.integers(0, 3000))
        messages.append(Message(*place, offsets[place], START + timedelta(hours=hours[place]), None, value))
    return messages


limits = st.builds(Limits, rows=st.integers(1, 10), bytes=st.integers(1, 8000))


def place(message):
    return message.topic, message.partition


@given(reads(), limits)
def test_nothing_is_lost_or_reordered(messages, limit):
    """The batches of a partition, one after the other, are its messages in offset order."""
    batches = plan(messages, limit)
    for where in {place(message) for message in messages}:
        planned = [m.offset for batch in batches for m in batch.messages if place(m) == where]
        assert planned == [m.offset for m in messages if place(m) == where]


@given(reads(), limits)
def test_one_batch_is_one_partition_and_one_month(messages, limit):
    """Whatever is inserted together belongs to one partition of the topic and one of the table."""
    for batch in plan(messages, limit):
        assert len({(*place(m), m.timestamp.year, m.timestamp.month) for m in batch.messages}) == 1


@given(reads(), limits)
def test_batches_keep_the_limits(messages, limit):
    """No batch has too many rows, and only a single large message has too many bytes."""
    for batch in plan(messages, limit):
        assert 1 <= len(batch.messages) <= limit.rows
        assert len(batch.messages) == 1 or sum(map(size, batch.messages)) <= limit.bytes


@given(reads(), limits)
def test_batches_are_no_smaller_than_they_must_be(messages, limit):
    """Two neighbouring batches of one partition and month would not fit together."""
    for _, group in groupby(plan(messages, limit), key=lambda b: (b.topic, b.partition, b.messages[0].timestamp.month)):
        batches = list(group)
        for one, two in pairwise(batches):
            rows = len(one.messages) + 1
            held = sum(map(size, one.messages)) + size(two.messages[0])
            assert rows > limit.rows or held > limit.bytes


@given(reads(), limits)
def test_tokens_name_their_content(messages, limit):
    """The same messages have the same token, other messages another."""
    batches = plan(messages, limit)
    tokens = [batch.token("id", "table") for batch in batches]
    assert tokens == [batch.token("id", "table") for batch in plan(messages, limit)]
    assert len(set(tokens)) == len(tokens)


def test_a_month_boundary_cuts():
    """The last message of January and the first of February are two inserts."""
    times = [datetime(2026, 1, 31, 23, 59, 59, 999000, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)]
    messages = [Message("a", 0, offset, time) for offset, time in enumerate(times)]
    assert [batch.next_offset for batch in plan(messages, Limits())] == [1, 2]


def test_a_hole_changes_the_token():
    """Without a row in the middle the insert has another name: the engine must not take it for the whole."""
    messages = tuple(Message("a", 0, offset, START) for offset in range(3))
    batch = Batch(messages)
    assert batch.token("id", "t") != batch.token("id", "t", [messages[0], messages[2]])


def test_buffer_is_due_by_rows_bytes_or_time():
    """The buffer says when to store, and is empty once drained."""
    buffer = Buffer(Limits(rows=2, bytes=1000, seconds=1.0))
    assert not buffer.due(100.0)
    buffer.add(Message("a", 0, 0, START), 10.0)
    assert [buffer.due(10.5), buffer.due(11.0)] == [False, True]
    buffer.add(Message("a", 0, 1, START), 10.1)
    assert buffer.due(10.2)
    assert [len(batch.messages) for batch in buffer.drain()] == [2]
    assert len(buffer) == 0
    buffer.add(Message("a", 0, 2, START, None, b"x" * 1000), 12.0)
    assert buffer.due(12.0)
