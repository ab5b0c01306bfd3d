"""What clients rely on in ClickHouse's HTTP interface, checked with clickhouse-connect."""

import gzip
import json
import struct
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import urlencode

import lz4.frame
import pytest
import zstandard
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from tests.fixtures.engine import connect

pytestmark = pytest.mark.store

NASTY = ["", "naïve 🙂", "a\tb\nc\\d'e\"`", "\x00NUL", "FORMAT Native\n", "'); DROP TABLE t --", "日本語" * 500]


def http(url, query=None, *, body=None, method=None, headers=None, **parameters):
    """Status, headers and body of one plain request."""
    if query is not None:
        parameters["query"] = query
    request = urllib.request.Request(f"{url}/?{urlencode(parameters)}", data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_command_and_query(clickhouse):
    """Commands return their value; queries return names, types and rows."""
    assert clickhouse.command("SELECT 41 + 1") == 42
    result = clickhouse.query("SELECT number AS n, toString(number) AS s FROM numbers(3)")
    assert result.column_names == ("n", "s")
    assert result.result_rows == [(0, "0"), (1, "1"), (2, "2")]


def test_parameters(clickhouse):
    """Server-side parameters reach the statement unchanged, whatever they hold."""
    for text in NASTY:
        [[back]] = clickhouse.query("SELECT {text:String}", parameters={"text": text}).result_rows
        assert back == text
    rows = clickhouse.query("SELECT {a:Array(UInt8)}, {n:Nullable(Int8)}", parameters={"a": [1, 2], "n": None})
    assert rows.result_rows == [([1, 2], None)]


def test_long_parameters(clickhouse):
    """Parameters too long for a URL travel in a form."""
    text = "ünï" * 10_000
    [[length]] = clickhouse.query("SELECT lengthUTF8({text:String})", parameters={"text": text}).result_rows
    assert length == len(text)


def test_database_of_the_client(clickhouse, database):
    """Names without a database mean the client's."""
    clickhouse.command("CREATE TABLE here (a UInt8) ENGINE = MergeTree ORDER BY a")
    assert clickhouse.command("SELECT currentDatabase()") == database
    assert clickhouse.query(f"EXISTS {database}.here").result_rows == [(1,)]


def test_settings_end_with_the_request(clickhouse):
    """A setting of one query is not there in the next."""
    query = "SELECT toUInt64(getSetting('max_result_rows'))"
    assert clickhouse.query(query, settings={"max_result_rows": 7}).result_rows == [(7,)]
    assert clickhouse.query(query).result_rows == [(0,)]


def test_every_type_returns(clickhouse):
    """Rows of the types that the store uses come back as they were inserted."""
    clickhouse.command(
        "CREATE TABLE t (id UUID, s String, low LowCardinality(String), a Array(String), m Map(String, Float32), "
        "at DateTime64(3, 'UTC'), n Nullable(Int64), nested Array(Array(UInt8)), e Enum8('allow' = 1, 'block' = 2), "
        "tuple Tuple(UInt8, String), b Bool) ENGINE = MergeTree ORDER BY id"
    )
    at = datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
    rows = [
        [uuid.UUID(int=i), s, s[:5], [s, ""], {s: 0.5}, at, None if i % 2 else -i, [[1], []], "block", (i, s), True]
        for i, s in enumerate(NASTY)
    ]
    clickhouse.insert("t", rows)
    back = clickhouse.query("SELECT * FROM t ORDER BY tuple.1", tz_mode="aware").result_rows
    assert [list(row) for row in back] == rows


def test_ten_thousand_rows(clickhouse):
    """A large batch is one insert, and its count is reported."""
    clickhouse.command("CREATE TABLE big (n UInt32, s String) ENGINE = MergeTree ORDER BY n")
    summary = clickhouse.insert("big", [[n, "x" * 1000] for n in range(10_000)])
    assert summary.written_rows == 10_000
    assert clickhouse.query("SELECT count(), sum(n), min(length(s)) FROM big").result_rows == [
        (10_000, 49_995_000, 1000)
    ]


@pytest.mark.parametrize("coding", ["gzip", "lz4", "zstd", False])
def test_compression_both_ways(clickhouse_url, database, coding):
    """Every coding of the client works for inserts and for results."""
    client = connect(clickhouse_url, database=database, compress=coding)
    client.command("CREATE TABLE c (n UInt32, s String) ENGINE = MergeTree ORDER BY n")
    client.insert("c", [[n, str(n) * 100] for n in range(2000)])
    rows = client.query("SELECT n, s FROM c ORDER BY n").result_rows
    assert rows == [(n, str(n) * 100) for n in range(2000)]


@pytest.mark.parametrize(
    ("coding", "encode"),
    [("gzip", gzip.compress), ("zstd", zstandard.compress), ("lz4", lz4.frame.compress)],
)
def test_a_body_cut_short_is_refused(clickhouse_url, clickhouse, database, coding, encode):
    """Half of a compressed body inserts nothing."""
    clickhouse.command("CREATE TABLE half (n UInt32) ENGINE = MergeTree ORDER BY n")
    body = encode(b"".join(b'{"n": %d}\n' % n for n in range(10_000)))[:-9]
    query = f"INSERT INTO {database}.half FORMAT JSONEachRow"
    status, headers, _ = http(clickhouse_url, query, body=body, headers={"Content-Encoding": coding})
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (400, "36")
    assert clickhouse.command("SELECT count() FROM half") == 0


INSERTS = [
    ("INSERT INTO {t} FORMAT JSONEachRow", b'{"a": 1, "s": "x"}\n{"a": 2, "s": "y"}'),
    ("INSERT INTO {t} (a, s) FORMAT CSV", b'1,"x"\n2,"y"\n'),
    ("INSERT INTO {t} FORMAT TabSeparated", b"1\tx\n2\ty\n"),
    ("INSERT INTO {t} (a, s) VALUES", b"(1, 'x'), (2, 'y')"),
    ("INSERT INTO {t} (a, s) VALUES (1, 'x'), (1 + 1, 'y')", None),
    ('insert into {t} (`a`, "s") settings max_threads = 1 format Values', b"(1, 'x'), (2, 'y')"),
    ("/* FORMAT CSV */ INSERT INTO {t} -- FORMAT CSV\n FORMAT JSONEachRow", b'{"a": 1, "s": "x"} {"a": 2, "s": "y"}'),
    ("INSERT INTO {t} SELECT number + 1, ['x', 'y'][number + 1] FROM numbers(2)", None),
    ("INSERT INTO {t} WITH 2 AS k SELECT number + 1, ['x', 'y'][number + 1] FROM numbers(k)", None),
    ("INSERT INTO {t} (a, s) FORMAT Native", b"\x02\x02\x01a\x05UInt8\x01\x02\x01s\x06String\x01x\x01y"),
]


@pytest.mark.parametrize("in_url", [True, False], ids=["url", "body"])
@pytest.mark.parametrize(("statement", "data"), INSERTS, ids=[text[:40] for text, _ in INSERTS])
def test_inserts(clickhouse_url, clickhouse, database, statement, data, in_url):
    """An INSERT's head may stand in the URL or before its data, in any format."""
    clickhouse.command("CREATE TABLE t (a UInt8, s String) ENGINE = MergeTree ORDER BY a")
    statement = statement.format(t=f"{database}.t")
    if in_url:
        answer = http(clickhouse_url, statement, body=data or b"")
    else:
        answer = http(clickhouse_url, body=statement.encode() + (b"\n" + data if data else b""))
    assert answer[0] == 200, answer[2]
    assert clickhouse.query("SELECT a, s FROM t ORDER BY a").result_rows == [(1, "x"), (2, "y")]


def test_data_that_look_like_sql(clickhouse):
    """What stands in the data is never read as a statement."""
    clickhouse.command("CREATE TABLE t (n UInt8, s String) ENGINE = MergeTree ORDER BY n")
    texts = [*NASTY, "SELECT file('/etc/passwd')", "x INTO OUTFILE 'y'", "/* open", "it's `open"]
    for n, text in enumerate(texts):
        clickhouse.raw_insert("t", ["n", "s"], json.dumps({"n": n, "s": text}).encode(), fmt="JSONEachRow")
    back = [row[0] for row in clickhouse.query("SELECT s FROM t ORDER BY n").result_rows]
    assert back == texts


def test_errors_carry_codes(clickhouse_url, database):
    """An error has ClickHouse's code in the header, its text in the body and a fitting status."""
    for query, status, code in [
        ("SELEC 1", 400, "62"),
        (f"SELECT * FROM {database}.missing", 404, "60"),
        ("SELECT nocolumn", 400, "47"),
        ("SELECT 1; SELECT 2", 400, "62"),
        ("", 400, "62"),
        ("SELECT 'open", 400, "62"),
        ("SELECT throwIf(1)", 500, "395"),
    ]:
        answer = http(clickhouse_url, body=query.encode() or b" ")
        assert (answer[0], answer[1]["X-ClickHouse-Exception-Code"]) == (status, code), query
        assert answer[2].startswith(f"Code: {code}. DB::Exception: ".encode())


def test_client_raises_errors_with_codes(clickhouse):
    """clickhouse-connect sees the code, for queries, inserts and unknown settings and databases."""
    for call, code in [
        (lambda: clickhouse.query("SELECT * FROM missing"), 60),
        (lambda: clickhouse.raw_insert("missing", ["a"], b"1", fmt="CSV"), 60),
        (lambda: clickhouse.command("SELECT 1", settings={"database": "no_such"}), 81),
        (lambda: clickhouse.command("CREATE TABLE x (a NoSuch) ENGINE = Memory"), 50),
    ]:
        with pytest.raises(DatabaseError) as caught:
            call()
        assert caught.value.code == code


def test_broken_batch_leaves_nothing(clickhouse):
    """A batch with one bad row is refused whole."""
    clickhouse.command("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
    with pytest.raises(DatabaseError):
        clickhouse.raw_insert("t", ["n"], b'{"n": 1}\n{"n": "x"}\n', fmt="JSONEachRow")
    assert clickhouse.command("SELECT count() FROM t") == 0


def test_no_rows_have_columns(clickhouse):
    """A result without rows still names its columns, and types them."""
    result = clickhouse.query("SELECT 1 AS a, map('k', toFloat32(1)) AS m WHERE {no:UInt8} = 1", parameters={"no": 0})
    assert result.result_rows == []
    assert result.column_names == ("a", "m")
    assert [kind.name for kind in result.column_types] == ["UInt8", "Map(String, Float32)"]


def test_large_result_streams(clickhouse):
    """A large result arrives block by block."""
    total = blocks = 0
    with clickhouse.query_rows_stream("SELECT number, repeat('x', 100) FROM numbers(500000)") as stream:
        for row in stream:
            total += row[0]
    with clickhouse.query_row_block_stream("SELECT number FROM numbers(500000)") as stream:
        blocks = sum(1 for _ in stream)
    assert total == 500_000 * 499_999 // 2
    assert blocks > 1


def test_abandoned_stream_frees_its_place(clickhouse_url):
    """Clients that stop reading do not use up the places for queries."""
    for _ in range(12):
        request = urllib.request.Request(f"{clickhouse_url}/?query=" + "SELECT+number+FROM+numbers(100000000)")
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read(100)
    assert http(clickhouse_url, "SELECT 1")[2] == b"1\n"


def test_late_error_is_marked(clickhouse, clickhouse_url):
    """An error after the first block reaches the client as an error."""
    query = "SELECT throwIf(number = 300000) FROM numbers(400000)"
    with pytest.raises(StreamFailureError, match="395"):
        _ = clickhouse.query(query).result_rows
    _, headers, body = http(clickhouse_url, query)
    tag = headers["X-ClickHouse-Exception-Tag"].encode()
    assert body.endswith(tag + b"\r\n__exception__\r\n")
    assert b"Code: 395" in body


@pytest.mark.parametrize("name", ["JSON", "JSONCompact", "CSVWithNames", "Pretty", "Parquet", "XML"])
def test_formats_with_head_and_foot(clickhouse_url, name):
    """Formats that cannot be cut into blocks are whole: one head, all rows."""
    status, headers, body = http(clickhouse_url, f"SELECT number FROM numbers(150000) FORMAT {name}")
    assert (status, headers["X-ClickHouse-Format"]) == (200, name)
    if name == "JSON":
        assert len(json.loads(body)["data"]) == 150_000
    elif name == "CSVWithNames":
        assert body.count(b"number") == 1


def test_formats_are_chosen_as_clickhouse_does(clickhouse_url):
    """FORMAT in the statement, else default_format, else the header, else tabs."""
    query = "SELECT 1 AS a, 'x' AS b"
    assert http(clickhouse_url, query)[2] == b"1\tx\n"
    assert http(clickhouse_url, query, default_format="CSV")[2] == b'1,"x"\n'
    assert http(clickhouse_url, query, headers={"X-ClickHouse-Format": "CSV"})[2] == b'1,"x"\n'
    assert http(clickhouse_url, f"{query} FORMAT JSONEachRow;", default_format="CSV")[2] == b'{"a":1,"b":"x"}\n'
    assert http(clickhouse_url, f"{query} FORMAT CSV SETTINGS max_threads = 1")[2] == b'1,"x"\n'


REFUSED = [
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT file('/etc/passwd')",
    "SELECT `file`('/etc/passwd')",
    "SELECT \"FILE\" /* */ ('/etc/passwd')",
    "/* /* */ ' */ SELECT file('/etc/passwd') -- '",
    "// '\nSELECT file('/etc/passwd') -- '",
    "# '\nSELECT file('/etc/passwd') -- '",
    "SELECT $a$'$a$, file('/etc/passwd'), $a$'$a$",
    "SELECT 1 INTO OUTFILE '/tmp/weir-must-not-exist'",
    "SELECT 1 INTO/**/OUTFILE '/tmp/weir-must-not-exist'",
    "INSERT INTO {t} FROM INFILE '/etc/passwd' FORMAT CSV",
    "INSERT INTO {t} VALUES (file('/etc/passwd'))",
    "INSERT INTO {t} SELECT file('/etc/passwd')",
    "INSERT INTO FUNCTION file('/tmp/weir-must-not-exist', 'CSV', 's String') VALUES ('x')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 's String')",
    "SELECT * FROM remote('127.0.0.1', 'system', 'one')",
    "SELECT * FROM s3('http://127.0.0.1/bucket/key')",
    "CREATE TABLE {t}2 (s String) ENGINE = File(CSV, '/etc/passwd')",
    "CREATE TABLE {t}2 (s String) ENGINE = URL('http://127.0.0.1:1/', CSV)",
    "CREATE DICTIONARY {t}d (a UInt64) PRIMARY KEY a SOURCE(FILE(PATH '/etc/passwd' FORMAT CSV)) LAYOUT(FLAT())",
    "SELECT * FROM Python(os)",
    "CREATE USER intruder",
]


@pytest.mark.parametrize("query", REFUSED)
def test_nothing_beyond_the_directory(clickhouse_url, clickhouse, database, query):
    """Files, the network, users and the process's own objects are out of reach, however it is written."""
    clickhouse.command("CREATE TABLE t (s String) ENGINE = MergeTree ORDER BY s")
    status, headers, body = http(clickhouse_url, body=query.format(t=f"{database}.t").encode())
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (403, "497"), body
    assert b"root:" not in body


@pytest.mark.parametrize("text", ["file('x')", "INTO OUTFILE 'x'", "/* ' */", "-- '", "a;b"])
def test_text_that_names_forbidden_things_is_served(clickhouse, text):
    """A string may hold anything: only tokens count."""
    assert clickhouse.query("SELECT %(text)s", parameters={"text": text}).result_rows == [(text,)]
    assert clickhouse.query("SELECT 1 AS file, 2 AS format, 3 AS outfile").result_rows == [(1, 2, 3)]


def test_a_link_changes_nothing(clickhouse_url, clickhouse, database):
    """GET only reads; a request with the Origin of a web page is refused."""
    status, headers, _ = http(clickhouse_url, f"CREATE TABLE {database}.x (a UInt8) ENGINE = Memory", method="GET")
    assert headers["X-ClickHouse-Exception-Code"] == "164"
    assert http(clickhouse_url, "SELECT 1", method="GET")[2] == b"1\n"
    status, _, _ = http(clickhouse_url, body=b"SELECT 1", headers={"Origin": "http://page.example"})
    assert status == 403
    assert clickhouse.command("EXISTS x") == 0


def test_ping_and_root(clickhouse_url):
    """Health checks get ``Ok.``."""
    for path in ("/ping", "/"):
        with urllib.request.urlopen(clickhouse_url + path, timeout=60) as answer:
            assert answer.read() == b"Ok.\n"


def test_block_compression_is_refused_by_name(clickhouse_url):
    """ClickHouse's own block compression is refused with a reason instead of garbage."""
    status, headers, body = http(clickhouse_url, "SELECT 1", compress="1")
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (501, "48")
    assert b"gzip" in body


def test_native_for_a_newer_client(clickhouse_url):
    """A client of a protocol with custom serialisation (clickhouse-go, Grafana) gets the bytes that it expects."""
    _, _, body = http(clickhouse_url, "SELECT 7::UInt8 AS a, 'x' AS b FORMAT Native", client_protocol_version="54460")
    info = b"\x01\x00\x02" + struct.pack("<i", -1) + b"\x00"
    assert body == info + b"\x02\x01" + b"\x01a\x05UInt8\x00\x07" + b"\x01b\x06String\x00\x01x"


def test_concurrent_clients(clickhouse_url, clickhouse, database):
    """Inserts and queries of eight clients at once lose nothing and disturb nobody."""
    clickhouse.command("CREATE TABLE t (k UInt8, n UInt32) ENGINE = MergeTree ORDER BY (k, n)")

    def work(k):
        client = connect(clickhouse_url, database=database)
        for batch in range(6):
            client.insert("t", [[k, batch * 500 + n] for n in range(500)])
            seen = client.query("SELECT count(), uniqExact(n) FROM t WHERE k = {k:UInt8}", parameters={"k": k})
            assert seen.result_rows == [((batch + 1) * 500, (batch + 1) * 500)]
        client.close()
        return k

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(work, range(8))) == list(range(8))
    assert clickhouse.command("SELECT count() FROM t") == 8 * 6 * 500
