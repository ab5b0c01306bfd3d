"""Reading a ClickHouse statement as far as an HTTP front must: its kind, its format, where its data begin.

The lexer follows ClickHouse's own (nested comments, ``//`` and ``#`` comments, heredocs), because what may not be run
is recognised by its tokens: a difference would be a hole.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Final

SYNTAX_ERROR: Final = 62
ACCESS_DENIED: Final = 497

_TOKEN = re.compile(
    rb"""
    (?P<blank>\s+ | --[^\n]* | //[^\n]* | \#[\ !][^\n]*)
  | (?P<comment>/\*)
  | (?P<string>'(?:[^'\\]|\\.|'')*')
  | (?P<quoted>"(?:[^"\\]|\\.|"")*" | `(?:[^`\\]|\\.|``)*`)
  | (?P<heredoc>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
  | (?P<word>\w+)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(rb"/\*|\*/")
# Reads any file of the machine and is not held by grants; the engine's Python objects are no tables of ours either.
_FORBIDDEN_CALLS = (b"FILE", b"PYTHON")
_FORBIDDEN_PAIRS = ((b"INTO", b"OUTFILE"), (b"FROM", b"INFILE"))
_SETTINGS = ("word", b"SETTINGS")
_SUSPECT = re.compile(rb"file|python", re.IGNORECASE)


class RefusedError(Exception):
    """A statement that the front does not hand to the engine: ClickHouse's error ``code`` and the reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Kind(StrEnum):
    """What becomes of a statement."""

    INSERT = "insert"  # has a payload in a format
    SELECT = "select"  # rows that can be streamed
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: ``sql`` without its FORMAT clause, and the ``format`` it named.

    Of an INSERT also the ``payload``, and the ``settings`` clause, which ``sql`` then lacks.
    """

    kind: Kind
    sql: str = field(repr=False)
    format: str | None = None
    payload: bytes = field(default=b"", repr=False)
    settings: str = ""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: bytes = field(repr=False)  # a word in capitals; a quoted name without its quotes, in capitals
    start: int
    end: int
    depth: int  # of brackets around it


def parse_statement(text: bytes) -> Statement:
    """The statement in ``text``, which for an INSERT goes on with its data.

    Raises:
        RefusedError: several statements, SQL that is not UTF-8, a literal that does not end, or an access to files.
    """
    first = next((token for token in _tokens(text) if token.text != b"("), None)
    if first is not None and first.text == b"INSERT":
        return _insert(text)
    tokens = list(_tokens(text))
    _check(tokens)
    tokens = _one_statement(tokens)
    kind = Kind.SELECT if first is not None and first.text in (b"SELECT", b"WITH") else Kind.OTHER
    end = tokens[-1].end if tokens else 0
    for at in range(len(tokens) - 1, 0, -1):
        clause, name = tokens[at - 1], tokens[at]
        if _is_format(clause, name) and _ends_after(tokens, at):
            sql = text[: clause.start] + text[name.end : end]
            return Statement(kind, _decode(sql), text[name.start : name.end].decode())
    return Statement(kind, _decode(text[:end]))


def _insert(text: bytes) -> Statement:
    seen: list[_Token] = []
    for token in _tokens(text):
        if seen and _is_format(seen[-1], token) and len(seen) > 3:  # INSERT INTO table FORMAT: the least there is
            _check(seen)
            name = text[token.start : token.end].decode()
            payload = text[_payload_start(text, token.end) :]
            if name.upper() == "VALUES":
                _check_expressions(payload)
            return _insertion(text[: seen[-1].start], seen[:-1], name, payload)
        if token.depth == 0 and token.kind == "word" and len(seen) > 2:
            if token.text == b"VALUES":
                _check(seen)
                _check_expressions(text[token.end :])
                return _insertion(text[: token.start], seen, "Values", text[token.end :])
            if token.text in (b"SELECT", b"WITH"):
                break
        seen.append(token)
    tokens = list(_tokens(text))
    _check(tokens)
    tokens = _one_statement(tokens)
    return Statement(Kind.OTHER, _decode(text[: tokens[-1].end]))


def _is_format(clause: _Token, name: _Token) -> bool:
    return clause.depth == 0 and clause.kind == name.kind == "word" and clause.text == b"FORMAT"


def _ends_after(tokens: list[_Token], at: int) -> bool:
    return at == len(tokens) - 1 or tokens[at + 1].text == b"SETTINGS"


def _payload_start(text: bytes, at: int) -> int:
    # As ClickHouse does: an optional semicolon, blanks, then one line end belong to the statement.
    match = re.compile(rb"\s*;(?=\s)|").match(text, at)
    assert match is not None  # the second alternative is empty
    rest = re.compile(rb"[ \t\f]*\r?\n?").match(text, match.end())
    assert rest is not None
    return rest.end()


def _one_statement(tokens: list[_Token]) -> list[_Token]:
    while tokens and tokens[-1].text == b";":
        tokens = tokens[:-1]
    if any(token.text == b";" and token.kind == "other" for token in tokens):
        raise RefusedError(SYNTAX_ERROR, "Syntax error: multi-statements are not allowed")
    return tokens


def _check_expressions(values: bytes) -> None:
    # VALUES may hold expressions, but seldom does: look at the tokens only where the bytes give reason to.
    if _SUSPECT.search(values):
        _check(list(_tokens(values)))


def _check(tokens: list[_Token]) -> None:
    for here, after in pairwise(tokens):
        call = here.kind in ("word", "quoted") and here.text in _FORBIDDEN_CALLS and after.text == b"("
        pair = here.kind == after.kind == "word" and (here.text, after.text) in _FORBIDDEN_PAIRS
        if call or pair:
            raise RefusedError(ACCESS_DENIED, "the local engine does not read or write files, nor Python objects")


def _tokens(text: bytes) -> Iterator[_Token]:
    at = depth = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match is not None  # the last alternative takes any byte
        kind, start, at = match.lastgroup or "", match.start(), match.end()
        if kind == "tag":
            kind = "heredoc"
        if kind == "comment":
            at = _comment_end(text, at)
        if kind in ("blank", "comment"):
            continue
        body = match.group()
        if kind == "other" and body in b"'\"`":
            raise RefusedError(SYNTAX_ERROR, "Syntax error: a quoted text does not end")
        if kind == "other" and body in b")]}":
            depth = max(0, depth - 1)
        yield _Token(kind, body[1:-1].upper() if kind == "quoted" else body.upper(), start, at, depth)
        if kind == "other" and body in b"([{":
            depth += 1


def _comment_end(text: bytes, at: int) -> int:
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(text, at)
        if edge is None:
            raise RefusedError(SYNTAX_ERROR, "Syntax error: a comment does not end")
        depth += 1 if edge.group() == b"/*" else -1
        at = edge.end()
    return at


def _insertion(head: bytes, tokens: list[_Token], name: str, payload: bytes) -> Statement:
    at = len(head)
    for before, token in pairwise(tokens):
        is_name = before.text in (b"INTO", b"TABLE", b".")
        if token.depth == 0 and (token.kind, token.text) == _SETTINGS and not is_name:
            at = token.start
            break
    # What the engine puts behind either part must not fall into a comment.
    sql, settings = _decode(head[:at]) + "\n", _decode(head[at:])
    return Statement(Kind.INSERT, sql, name, payload, f"{settings}\n" if settings else "")


def _decode(sql: bytes) -> str:
    try:
        return sql.decode().strip()
    except UnicodeDecodeError:
        raise RefusedError(SYNTAX_ERROR, "Syntax error: the statement is not UTF-8") from None
