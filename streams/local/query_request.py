"""What a request to ClickHouse's HTTP interface asks for."""

import email.parser
import email.policy
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from streams.local.content_coding import decode_body
from streams.local.embedded import NOT_IMPLEMENTED, Query
from streams.local.statement import RefusedError, parse_statement

# The largest body after decompression: a batch of 10,000 rows of 1.5 KB is 15 MB.
MAX_BODY_BYTES: Final = 512 * 1024 * 1024
BAD_ARGUMENTS: Final = 36
# Of the interface, not of the query. Sessions are accepted and not kept: each request has settings of its own.
_TRANSPORT: Final = frozenset(
    (
        "query",
        "database",
        "default_format",
        "user",
        "password",
        "quota_key",
        "query_id",
        "role",
        "session_id",
        "session_timeout",
        "session_check",
        "compress",
        "decompress",
        "buffer_size",
        "wait_end_of_query",
        "client_protocol_version",
        "stacktrace",
        "enable_http_compression",
        "http_zlib_compression_level",
        "send_progress_in_http_headers",
        "add_http_cors_header",
        "http_headers_progress_interval_ms",
        "cancel_http_readonly_queries_on_client_close",
    )
)
_LONGEST_NUMBER: Final = 9  # digits: Python refuses to read thousands of them


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """A query, and how its answer is to be sent."""

    query: Query
    query_id: str
    compressed: bool


def read_request(method: str, url: Iterable[tuple[str, str]], headers: Mapping[str, str], body: bytes) -> QueryRequest:
    """The query in a request: method, decoded URL parameters, headers with names in lower case, raw body.

    Raises:
        RefusedError: the request or its statement is not one that this interface serves.
    """
    values, body = dict(url), _plain(body, headers)
    if headers.get("content-type", "").startswith("multipart/form-data"):
        values |= _form_fields(headers["content-type"], body)
        body = b""
    if _is_on(values, "compress") or _is_on(values, "decompress"):
        raise RefusedError(NOT_IMPLEMENTED, "ClickHouse's block compression is not supported: use gzip, zstd or lz4")
    text = values["query"].encode() + (b"\n" + body if body else b"") if "query" in values else body
    if not text.strip():
        raise RefusedError(62, "Syntax error: empty query")
    settings = {name: value for name, value in values.items() if _is_setting(name)}
    if method == "GET":  # a link must not change anything
        settings.setdefault("readonly", "2")
    statement = parse_statement(text)
    default = values.get("default_format") or headers.get("x-clickhouse-format") or "TabSeparated"
    query = Query(
        statement=statement,
        format=statement.format or default,
        database=values.get("database") or headers.get("x-clickhouse-database"),
        settings=settings,
        parameters={name[6:]: value for name, value in values.items() if name.startswith("param_")},
        protocol=_number(values.get("client_protocol_version", "0")),
    )
    return QueryRequest(
        query, values.get("query_id") or str(uuid.uuid4()), compressed=_is_on(values, "enable_http_compression")
    )


def _plain(body: bytes, headers: Mapping[str, str]) -> bytes:
    try:
        body = decode_body(body, headers.get("content-encoding", ""), MAX_BODY_BYTES)
    except ValueError as error:
        raise RefusedError(BAD_ARGUMENTS, str(error)) from None
    if len(body) > MAX_BODY_BYTES:
        raise RefusedError(BAD_ARGUMENTS, f"the body is larger than {MAX_BODY_BYTES} bytes")
    return body


def _is_on(values: Mapping[str, str], name: str) -> bool:
    return values.get(name, "0") not in ("0", "false")


def _is_setting(name: str) -> bool:
    return name not in _TRANSPORT and not name.startswith("param_")


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        raise RefusedError(BAD_ARGUMENTS, "client_protocol_version is not a number")
    return int(text)


def _form_fields(content_type: str, body: bytes) -> Mapping[str, str]:
    # Clients send long parameters as a form. Files in it would be external tables, which are not supported.
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    fields: dict[str, str] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if part.get_filename() is not None or not isinstance(name, str) or not isinstance(content, bytes):
            raise RefusedError(NOT_IMPLEMENTED, "external tables are not supported")
        try:
            fields[name] = content.decode()
        except UnicodeDecodeError:
            raise RefusedError(BAD_ARGUMENTS, "a field of the form is not UTF-8") from None
    return fields
