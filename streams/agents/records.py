r"""Reading record batches whose header names are not UTF-8.

Kafka says that they are; a producer in C can write anything, and brokers do not look. aiokafka then raises for the
whole partition, again at every attempt, so that one message would stop every worker. Here such a name is read with
its bad bytes as escapes (``\xff``), and the message goes its way.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy


def read_any_header_name() -> None:
    """Let aiokafka's consumers in this process read any header name. Call it before they start; again is harmless.

    aiokafka has no other place to say so.
    """
    fetcher.MemoryRecords = LenientRecords


class LenientRecords:
    """The batches of one fetched partition, as aiokafka's ``MemoryRecords``."""

    def __init__(self, data: bytes) -> None:
        self._slices = _Slices(data)

    def size_in_bytes(self) -> int:
        """The length of what was fetched."""
        return int(self._slices.size_in_bytes())

    def has_next(self) -> bool:
        """Whether another batch is there."""
        return bool(self._slices.has_next())

    def next_batch(self) -> Any:  # noqa: ANN401 - one of aiokafka's batches, or ours around it
        """The next batch; None after the last one."""
        data = self._slices.next_slice
        batch = self._slices.next_batch()
        return _LenientBatch(batch, bytes(data)) if isinstance(batch, DefaultRecordBatch) else batch


class _Slices(_MemoryRecordsPy):  # type: ignore[misc] # aiokafka is untyped here
    """Knows where a batch lies; the extension type does not say."""

    @property
    def next_slice(self) -> memoryview:
        return memoryview(b"" if self._next_slice is None else self._next_slice)


class _LenientBatch:
    """A batch that reads itself again, in Python and with escapes, from the record that could not be read."""

    def __init__(self, batch: Any, data: bytes) -> None:  # noqa: ANN401 - aiokafka's batch
        self._batch = batch
        self._data = data

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - offsets, flags, checksums of the batch
        return getattr(self._batch, name)

    def __next__(self) -> Any:  # noqa: ANN401 - aiokafka's record
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                read += 1
                yield record
        except UnicodeDecodeError:
            yield from islice(_EscapingBatch(self._data), read, None)


class _EscapingBatch(_DefaultRecordBatchPy):  # type: ignore[misc] # aiokafka is untyped here
    """aiokafka's own parser in Python, over bytes that can always be decoded."""

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: bytearray = _EscapingBytes(self._buffer)


class _EscapingBytes(bytearray):
    """Bytes whose slices decode to text whatever they are."""

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - an int or a slice, and what it holds
        found = super().__getitem__(index)
        return _EscapingBytes(found) if isinstance(index, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)
