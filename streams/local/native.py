"""ClickHouse's Native format, as far as a client's protocol version changes it.

The embedded engine writes blocks for protocol version 0. Newer clients (clickhouse-go, hence Grafana) expect two
additions: a block information record before each block, and one byte a column that says how it is serialised. To put
that byte in, a column's end must be found, so this module measures columns without decoding them.

Source: ClickHouse's ``NativeWriter.cpp`` and ``ProtocolDefines.h``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# From this version on each column says whether its serialisation is a custom one.
CUSTOM_SERIALIZATION_VERSION: Final = 54454
# Field 1: is_overflows = 0; field 2: bucket_num = -1; end.
_BLOCK_INFO: Final = b"\x01\x00\x02\xff\xff\xff\xff\x00"

_WIDTHS: Final = {
    **dict.fromkeys(("UInt8", "Int8", "Bool", "Enum8", "Nothing"), 1),
    **dict.fromkeys(("UInt16", "Int16", "Date", "Enum16", "BFloat16"), 2),
    **dict.fromkeys(("UInt32", "Int32", "Float32", "Date32", "DateTime", "Time", "IPv4", "Decimal32"), 4),
    **dict.fromkeys(("UInt64", "Int64", "Float64", "DateTime64", "Time64", "Decimal64"), 8),
    **dict.fromkeys(("UInt128", "Int128", "UUID", "IPv6", "Decimal128"), 16),
    **dict.fromkeys(("UInt256", "Int256", "Decimal256"), 32),
}
_ARGUMENT = re.compile(r"'(?:[^'\\]|\\.|'')*'|`[^`]*`|[(),]|[^'`(),]+")
_NAMED_ELEMENT = re.compile(r"(?:\w+|`[^`]*`)\s+(?=[A-Z])")


class UnmeasuredError(Exception):
    """A column of a type whose size this module does not know."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A parsed type name: ``Map(String, Float32)`` is ``Map`` with two arguments."""

    name: str
    arguments: tuple[str, ...] = ()

    @property
    def inner(self) -> tuple["ColumnType", ...]:
        """The arguments as types."""
        return tuple(parse_type(_NAMED_ELEMENT.sub("", argument, count=1)) for argument in self.arguments)


def parse_type(text: str) -> ColumnType:
    """A type's name and its arguments, at the outermost level."""
    name, _, rest = text.strip().partition("(")
    if not rest:
        return ColumnType(name)
    arguments, depth = [""], 1
    for part in _ARGUMENT.findall(rest):
        depth += {"(": 1, ")": -1}.get(part, 0)
        if depth == 0:
            break
        if part == "," and depth == 1:
            arguments.append("")
        else:
            arguments[-1] += part
    return ColumnType(name, tuple(argument.strip() for argument in arguments))


def header_block(columns: Sequence[tuple[str, str]]) -> bytes:
    """A block without rows: names and types of a result, for version 0."""
    body = b"".join(_string(name) + _string(kind) for name, kind in columns)
    return _varint(len(columns)) + _varint(0) + body


def upgrade(blocks: bytes, version: int) -> bytes:
    """Whole blocks of version 0, written for a client of ``version``.

    Raises:
        UnmeasuredError: a column's end cannot be found.
    """
    if version < CUSTOM_SERIALIZATION_VERSION:
        return blocks
    out, at = bytearray(), 0
    while at < len(blocks):
        at = _upgrade_block(blocks, at, out)
    return bytes(out)


def _upgrade_block(data: bytes, at: int, out: bytearray) -> int:
    start = at
    columns, at = _read_varint(data, at)
    rows, at = _read_varint(data, at)
    out += _BLOCK_INFO + data[start:at]
    for _ in range(columns):
        start = at
        at = _skip_strings(data, at, 1)
        length, at = _read_varint(data, at)
        kind = parse_type(data[at : at + length].decode())
        at += length
        out += data[start:at] + b"\x00"
        if rows:
            start = at
            at = _skip(kind, data, at + _prefix(kind), rows)
            out += data[start:at]
    return at


def _prefix(kind: ColumnType) -> int:
    """Bytes before a column's data: every LowCardinality in it announces its version."""
    if kind.name == "LowCardinality":
        return 8
    if kind.name == "SimpleAggregateFunction":
        return _prefix(kind.inner[1])
    if kind.name in ("Array", "Map", "Tuple", "Nullable", "Nested"):
        return sum(map(_prefix, kind.inner))
    return 0


def _skip(kind: ColumnType, data: bytes, at: int, rows: int) -> int:
    """Where ``rows`` values that begin at ``at`` end."""
    if (width := _width(kind)) is not None:
        return at + width * rows
    match kind.name:
        case "String":
            end = _skip_strings(data, at, rows)
        case "Nullable":
            end = _skip(kind.inner[0], data, at + rows, rows)
        case "Array" | "Map" | "Nested":  # offsets, of which the last one is the number of elements
            count = int.from_bytes(data[at + 8 * (rows - 1) : at + 8 * rows], "little") if rows else 0
            end = _skip_all(kind.inner, data, at + 8 * rows, count)
        case "Tuple":
            end = _skip_all(kind.inner, data, at, rows)
        case "SimpleAggregateFunction":
            end = _skip(kind.inner[1], data, at, rows)
        case "LowCardinality":
            end = _skip_low_cardinality(kind.inner[0], data, at, rows)
        case _:
            raise UnmeasuredError(f"a column of type {kind.name} cannot be sent to a client of this protocol version")
    return end


def _skip_all(kinds: Sequence[ColumnType], data: bytes, at: int, rows: int) -> int:
    for kind in kinds:
        at = _skip(kind, data, at, rows)
    return at


def _skip_low_cardinality(kind: ColumnType, data: bytes, at: int, rows: int) -> int:
    if not rows:
        return at
    keys = kind.inner[0] if kind.name == "Nullable" else kind  # NULL is the first key
    flags, count = (int.from_bytes(data[start : start + 8], "little") for start in (at, at + 8))
    at = _skip(keys, data, at + 16, count)
    return at + 8 + rows * (1 << (flags & 0xFF))  # the low byte is the index type: 1, 2, 4 or 8 bytes


def _width(kind: ColumnType) -> int | None:
    if kind.name == "FixedString":
        return int(kind.arguments[0])
    if kind.name == "Decimal":
        digits = int(kind.arguments[0])
        return next(width for limit, width in ((9, 4), (18, 8), (38, 16), (76, 32)) if digits <= limit)
    if kind.name.startswith("Interval"):
        return 8
    return _WIDTHS.get(kind.name)


def _skip_strings(data: bytes, at: int, count: int) -> int:
    for _ in range(count):
        length = data[at]
        at += 1
        if length >= 0x80:
            length, at = _read_varint(data, at - 1)
        at += length
    return at


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _string(text: str) -> bytes:
    raw = text.encode()
    return _varint(len(raw)) + raw
