"""Batches with header names that are not UTF-8."""

import pytest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords

from streams.agents.records import LenientRecords


class RawName(str):
    """A header name that is written as it stands."""

    __slots__ = ("raw",)

    def __new__(cls, raw):
        self = super().__new__(cls, "raw")
        self.raw = raw
        return self

    def encode(self, *_):
        return self.raw


def batch(names, compression=0):
    """A batch with a record for each header name, as a producer writes it."""
    builder = _DefaultRecordBatchBuilderPy(2, compression, False, -1, -1, -1, 1 << 20)
    for offset, name in enumerate(names):
        builder.append(offset, 1000 + offset, b"key", b"value %d" % offset, [(name, b"1"), ("h", None)])
    return bytes(builder.build())


def read(records):
    """Everything that can be seen of each record."""
    found = []
    while records.has_next():
        found += [(r.offset, r.timestamp, r.key, r.value, list(r.headers)) for r in records.next_batch()]
    return found


@pytest.mark.parametrize("compression", [0, 1, 2, 3, 4])
def test_a_name_that_is_not_utf8_is_escaped(compression):
    """The record with the bad name is read with escapes, those around it as ever, whatever the codec."""
    data = batch(["good", RawName(b"\xffx"), "ä"], compression)
    with pytest.raises(UnicodeDecodeError):
        read(MemoryRecords(data))
    assert [headers[0][0] for *_, headers in read(LenientRecords(data))] == ["good", "\\xffx", "ä"]
    assert [value for _, _, _, value, _ in read(LenientRecords(data))] == [b"value 0", b"value 1", b"value 2"]


def test_good_batches_read_as_ever():
    """Without a bad name the records are those that aiokafka itself reads."""
    data = batch(["a", "b"]) + batch(["c"])
    assert read(LenientRecords(data)) == read(MemoryRecords(data))
    assert LenientRecords(data).size_in_bytes() == len(data)


def test_a_cut_off_batch_is_left_for_the_next_fetch():
    """A batch that is not complete is no batch yet."""
    records = LenientRecords(batch(["a"])[:-1])
    assert not records.has_next()
    assert records.next_batch() is None
