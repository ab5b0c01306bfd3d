"""SQL that lives in `.sql` files: reading it, and cutting a file into its statements."""

import re
from importlib.resources import files

_QUOTED = r"""'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.)*" | `(?:[^`\\]|\\.)*`"""
_COMMENT = r"--[^\n]* | /\*.*?\*/"
# What may hold a semicolon that ends nothing, then the semicolon that does.
_TOKEN = re.compile(f"{_QUOTED} | {_COMMENT} | (?P<end>;)", re.VERBOSE | re.DOTALL)
_COMMENTS = re.compile(f"({_QUOTED}) | {_COMMENT}", re.VERBOSE | re.DOTALL)


def query(name: str) -> str:
    """The query in ``queries/<name>.sql``."""
    return (files("streams.store") / "queries" / f"{name}.sql").read_text(encoding="utf-8")


def statements(script: str) -> tuple[str, ...]:
    """The statements of a script, in order, without the semicolons between them.

    Semicolons inside quotes and comments end nothing; a piece of comments alone is no statement.
    """
    cuts = [match.start() for match in _TOKEN.finditer(script) if match["end"]]
    pieces = [script[start:end].strip() for start, end in zip([0, *(c + 1 for c in cuts)], [*cuts, None], strict=True)]
    return tuple(piece for piece in pieces if _COMMENTS.sub(r"\1", piece).strip())
