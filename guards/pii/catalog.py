"""What the PII guard looks for, as records read from ``guards/patterns/pii.toml``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from schemas.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of personal data and when to believe it.

    ``alone`` caps the recogniser's score where no context word stands near the hit, ``together`` is its floor where
    one does. A hit shorter than ``shortest``, equal to ``ignore`` or after a word of ``unless`` is dropped. The
    recogniser runs only on texts with ``digits`` digits in one run and a match of ``trigger``. ``locale`` is its
    country; a ``regional`` one reads numbers of the countries that are chosen.
    """

    label: str
    recognizer: str
    alone: float
    together: float
    digits: int
    trigger: re.Pattern[str] | None
    shortest: int
    ignore: re.Pattern[str] | None
    context: tuple[str, ...]
    unless: tuple[str, ...]
    options: Mapping[str, Any]
    locale: str | None = None
    regional: bool = False

    def in_locales(self, locales: frozenset[str]) -> "Entity":
        """The entity as it reads what is usual in the countries."""
        if not self.regional:
            return self
        return replace(self, options={**self.options, "supported_regions": sorted(map(str.upper, locales))})


@dataclass(frozen=True, slots=True)
class Catalog:
    """All entities, the least score worth reporting, and how far from a hit context counts (in code points)."""

    entities: tuple[Entity, ...]
    min_score: float
    context_before: int
    context_after: int


_KEYS = frozenset(Entity.__slots__)


def parse(tables: Mapping[str, Any]) -> Catalog:
    """The catalog in the parsed TOML. Raises ``ConfigError`` naming the key at fault."""
    try:
        return Catalog(
            entities=tuple(_entity(row) for row in tables["entity"]),
            min_score=float(tables["min_score"]),
            context_before=int(tables["context_before"]),
            context_after=int(tables["context_after"]),
        )
    except KeyError as error:
        raise ConfigError("a key is missing from the PII patterns", field=str(error.args[0])) from error


def _entity(row: Mapping[str, Any]) -> Entity:
    unknown = row.keys() - _KEYS
    if unknown:
        raise ConfigError("an entity of the PII patterns has an unknown key", field=min(unknown))
    return Entity(
        label=row["label"],
        recognizer=row["recognizer"],
        alone=float(row["alone"]),
        together=float(row["together"]),
        digits=row.get("digits", 0),
        trigger=_pattern(row, "trigger"),
        shortest=row.get("shortest", 1),
        ignore=_pattern(row, "ignore"),
        context=tuple(word.lower() for word in row.get("context", ())),
        unless=tuple(word.lower() for word in row.get("unless", ())),
        options=row.get("options", {}),
        locale=row.get("locale"),
        regional=row.get("regional", False),
    )


def _pattern(row: Mapping[str, Any], key: str) -> re.Pattern[str] | None:
    try:
        return re.compile(row[key]) if key in row else None
    except re.error as error:
        raise ConfigError(f"{row['label']} has an expression that does not compile", field=key) from error
