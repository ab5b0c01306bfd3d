"""Native blocks for newer clients: each column's end is found, whatever its type."""

import pytest

from streams.local.native import UnmeasuredError, header_block, parse_type, upgrade

INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
VERSION = 54460


def text(value):
    return bytes([len(value)]) + value.encode()


def number(value):
    return value.to_bytes(8, "little")


# type, number of rows, their bytes
COLUMNS = [
    ("UInt8", 2, b"\x01\x02"),
    ("DateTime64(3, 'UTC')", 1, number(5)),
    ("Decimal(18, 4)", 1, number(5)),
    ("FixedString(3)", 2, b"abcdef"),
    ("Enum8('a' = 1, 'b(,' = 2)", 2, b"\x01\x02"),
    ("UUID", 1, bytes(16)),
    ("String", 2, text("a") + text("bc")),
    ("String", 1, b"\xac\x02" + b"x" * 300),
    ("Nullable(String)", 2, b"\x00\x01" + text("a") + text("")),
    ("Array(UInt16)", 2, number(1) + number(3) + b"\x01\x00\x02\x00\x03\x00"),
    ("Array(Array(String))", 1, number(2) + number(1) + number(1) + text("x")),
    ("Array(String)", 1, number(0)),
    ("Map(String, Float32)", 1, number(1) + text("k") + bytes(4)),
    ("Tuple(a UInt8, `b c` String)", 2, b"\x01\x02" + text("x") + text("y")),
    ("Nested(a UInt8, b String)", 1, number(1) + b"\x01" + text("x")),
    ("SimpleAggregateFunction(sum, UInt64)", 1, number(5)),
    ("IntervalDay", 1, number(5)),
    (
        "LowCardinality(String)",
        2,
        number(1) + number(0x600) + number(2) + text("") + text("x") + number(2) + b"\x01\x01",
    ),
    (
        "Array(LowCardinality(Nullable(String)))",
        1,
        number(1) + number(1) + number(0x601) + number(2) + text("") + text("x") + number(1) + b"\x01\x00",
    ),
]


@pytest.mark.parametrize(("kind", "rows", "data"), COLUMNS, ids=[kind for kind, _, _ in COLUMNS])
def test_columns_are_measured(kind, rows, data):
    """Between every column's type and its data stands the byte that newer clients read, and nothing else changes."""
    plain = b"\x02" + bytes([rows]) + 2 * (text("c") + text(kind) + data)
    expected = INFO + b"\x02" + bytes([rows]) + 2 * (text("c") + text(kind) + b"\x00" + data)
    assert upgrade(plain + plain, VERSION) == expected + expected


def test_a_block_without_rows():
    """Names and types are there, data are not."""
    block = header_block([("n", "UInt8"), ("m", "Map(String, Float32)")])
    assert block == b"\x02\x00" + text("n") + text("UInt8") + text("m") + text("Map(String, Float32)")
    assert upgrade(block, VERSION).endswith(text("Map(String, Float32)") + b"\x00")


def test_older_clients_get_the_block_as_it_is():
    """Below the version that introduced the byte nothing changes."""
    block = header_block([("n", "UInt8")])
    assert upgrade(block, 54405) == block


def test_types_of_unknown_size_are_refused():
    """A type that cannot be measured is an error, not garbage."""
    with pytest.raises(UnmeasuredError, match="AggregateFunction"):
        upgrade(b"\x01\x01" + text("c") + text("AggregateFunction(sum, UInt8)") + b"\x00", VERSION)


def test_type_names():
    """Arguments are cut at the outermost commas only."""
    kind = parse_type("Map(LowCardinality(String), Tuple(a UInt8, b Enum8('x,(' = 1)))")
    assert (kind.name, kind.arguments) == ("Map", ("LowCardinality(String)", "Tuple(a UInt8, b Enum8('x,(' = 1))"))
    assert [inner.name for inner in kind.inner[1].inner] == ["UInt8", "Enum8"]
