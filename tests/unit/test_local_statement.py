"""Where an INSERT's data begin, which format a query names, and what is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.local.statement import Kind, RefusedError, parse_statement

HEADS = [
    (b"INSERT INTO t FORMAT CSV\n1\n2", "INSERT INTO t", "CSV", b"1\n2"),
    (b"INSERT INTO t FORMAT CSV 1\n2", "INSERT INTO t", "CSV", b"1\n2"),
    (b"INSERT INTO t FORMAT CSV\r\n\n1", "INSERT INTO t", "CSV", b"\n1"),
    (b"INSERT INTO t FORMAT CSV;\n1", "INSERT INTO t", "CSV", b"1"),
    (b"INSERT INTO t FORMAT Native\n \x00;", "INSERT INTO t", "Native", b" \x00;"),
    (b"insert into t(a,b)format JSONEachRow{}", "insert into t(a,b)", "JSONEachRow", b"{}"),
    (b"INSERT INTO `FORMAT CSV` FORMAT TSV\n1", "INSERT INTO `FORMAT CSV`", "TSV", b"1"),
    (b"INSERT INTO t (a) VALUES (1);", "INSERT INTO t (a)", "Values", b" (1);"),
    (b"INSERT INTO FUNCTION null('a UInt8') FORMAT CSV\n1", "INSERT INTO FUNCTION null('a UInt8')", "CSV", b"1"),
    (b"/* FORMAT a */INSERT INTO t--FORMAT b\nFORMAT CSV\n1", "/* FORMAT a */INSERT INTO t--FORMAT b", "CSV", b"1"),
]


@pytest.mark.parametrize(("text", "head", "name", "payload"), HEADS)
def test_insert_is_cut_where_its_data_begin(text, head, name, payload):
    """Head, format and data are told apart as ClickHouse does it."""
    statement = parse_statement(text)
    assert statement.kind is Kind.INSERT
    assert (statement.sql.rstrip("\n"), statement.format, statement.payload) == (head, name, payload)


@pytest.mark.parametrize(
    ("text", "head", "settings"),
    [
        (b"INSERT INTO t SETTINGS a = 'FORMAT x' FORMAT CSV\n1", "INSERT INTO t", "SETTINGS a = 'FORMAT x'"),
        (b"INSERT INTO t (a, b) settings a = 1, b = 2 VALUES (1)", "INSERT INTO t (a, b)", "settings a = 1, b = 2"),
        (b"INSERT INTO settings FORMAT CSV\n1", "INSERT INTO settings", ""),
        (b"INSERT INTO db.settings (settings) FORMAT CSV\n1", "INSERT INTO db.settings (settings)", ""),
    ],
)
def test_settings_of_an_insert_stand_apart(text, head, settings):
    """The SETTINGS clause is told from a table or column of that name, and kept apart from the head."""
    statement = parse_statement(text)
    assert (statement.sql.strip(), statement.settings.strip()) == (head, settings)


@given(st.binary())
def test_data_pass_unchanged(data):
    """Whatever the bytes are, an INSERT's data are handed on as they came."""
    assert parse_statement(b"INSERT INTO t FORMAT RowBinary\n" + data).payload == data


FORMATS = [
    ("SELECT 1", Kind.SELECT, "SELECT 1", None),
    ("SELECT 1 FORMAT JSON", Kind.SELECT, "SELECT 1", "JSON"),
    ("(SELECT 1) format CSV ; ", Kind.SELECT, "(SELECT 1)", "CSV"),
    ("WITH 1 AS x SELECT x FORMAT CSV SETTINGS a = 1", Kind.SELECT, "WITH 1 AS x SELECT x  SETTINGS a = 1", "CSV"),
    ("SELECT format FROM t", Kind.SELECT, "SELECT format FROM t", None),
    ("SELECT 1 AS format", Kind.SELECT, "SELECT 1 AS format", None),
    ("SELECT 'FORMAT CSV'", Kind.SELECT, "SELECT 'FORMAT CSV'", None),
    ("SELECT 1 -- FORMAT CSV", Kind.SELECT, "SELECT 1", None),
    ("SHOW TABLES FORMAT CSV", Kind.OTHER, "SHOW TABLES", "CSV"),
    ("CREATE TABLE t (a UInt8) ENGINE = Memory;", Kind.OTHER, "CREATE TABLE t (a UInt8) ENGINE = Memory", None),
    ("INSERT INTO t SELECT 1", Kind.OTHER, "INSERT INTO t SELECT 1", None),
]


@pytest.mark.parametrize(("text", "kind", "sql", "name"), FORMATS)
def test_format_of_a_query(text, kind, sql, name):
    """A FORMAT clause is taken out and named; words that only look like one stay."""
    statement = parse_statement(text.encode())
    assert (statement.kind, statement.sql, statement.format) == (kind, sql, name)


@pytest.mark.parametrize(
    "text", ["SELECT 1; SELECT 2", "SELECT 'open", "SELECT `open", "/* /* */ SELECT 1", "SELECT '\\'", 'SELECT "\xff']
)
def test_broken_statements(text):
    """Several statements and literals that do not end are syntax errors."""
    with pytest.raises(RefusedError) as caught:
        parse_statement(text.encode("latin-1"))
    assert caught.value.code == 62


@given(st.binary())
def test_any_bytes_are_parsed_or_refused(text):
    """No bytes make the parser fail in any other way."""
    with suppress(RefusedError):
        parse_statement(text)


def test_a_refusal_shows_nothing_of_the_statement():
    """Neither the reason nor a repr holds the text."""
    with pytest.raises(RefusedError) as caught:
        parse_statement(b"SELECT file('/canary')")
    statement = parse_statement(b"INSERT INTO canary FORMAT CSV\ncanary")
    assert "canary" not in f"{caught.value!r} {caught.value} {statement!r}"


def test_large_values_are_parsed_in_time():
    """Ten megabytes of VALUES are not read token by token, unless they name something suspicious."""
    payload = b",".join([b"('some text of a row, (with) brackets')"] * 250_000)
    assert len(parse_statement(b"INSERT INTO t VALUES " + payload).payload) == len(payload) + 1
