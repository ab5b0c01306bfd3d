"""What the secrets guard looks for, as records read from ``guards/patterns/secrets.toml``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import re2

from guards.secrets.credibility import Credibility
from schemas.errors import ConfigError


class Match(Protocol):
    """One match over bytes: ``span(0)`` is all of it, ``span(n)`` its group n or (-1, -1)."""

    def span(self, group: int = 0) -> tuple[int, int]: ...


class Expression(Protocol):
    """A compiled RE2."""

    @property
    def groups(self) -> int: ...
    def finditer(self, text: bytes) -> Iterator[Match]: ...
    def fullmatch(self, text: str) -> Match | None: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of secret: how it looks and what makes it believable.

    ``expression`` works on UTF-8; it runs on texts that contain one of ``keywords`` in lower case. Its
    groups, where it has any, hold the secret; ``whole`` reports all of the match nevertheless.
    """

    label: str
    description: str
    expression: Expression
    keywords: tuple[str, ...]
    score: float
    whole: bool
    credibility: Credibility


_REQUIRED = frozenset({"label", "description", "pattern", "keywords", "score"})
_OPTIONAL = frozenset({"entropy", "mixed", "shortest", "placeholders", "whole", "ignore"})


def parse(tables: Mapping[str, Any]) -> tuple[Kind, ...]:
    """The kinds in the parsed TOML. Raises ``ConfigError`` naming the key at fault."""
    for key in ("secret", "placeholders", "placeholder_words"):
        if key not in tables:
            raise ConfigError("a key is missing from the secret patterns", field=key)
    return tuple(_kind(row, tables) for row in tables["secret"])


def _kind(row: Mapping[str, Any], tables: Mapping[str, Any]) -> Kind:
    at_fault = (_REQUIRED - row.keys()) | (row.keys() - _REQUIRED - _OPTIONAL)
    if at_fault:
        raise ConfigError("a kind of the secret patterns lacks a key or has an unknown one", field=min(at_fault))
    return Kind(
        label=row["label"],
        description=row["description"],
        expression=_compile(row, row["pattern"].encode()),
        keywords=tuple(row["keywords"]),
        score=float(row["score"]),
        whole=row.get("whole", False),
        credibility=Credibility(
            entropy=float(row.get("entropy", 0.0)),
            mixed=row.get("mixed", False),
            shortest=row.get("shortest", 1),
            placeholders=tuple(tables["placeholders"]) if row.get("placeholders", True) else (),
            placeholder_words=frozenset(tables["placeholder_words"]),
            ignore=_compile(row, row["ignore"]) if "ignore" in row else None,
        ),
    )


def _compile(row: Mapping[str, Any], expression: str | bytes) -> Expression:
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: Expression = re2.compile(expression, options)
    except re2.error as error:
        raise ConfigError(f"{row['label']} has an expression that RE2 does not take", field="pattern") from error
    return compiled
