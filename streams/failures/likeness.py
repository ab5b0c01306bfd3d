"""Texts like another, by the store's own arithmetic."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from schemas.errors import Code, ConfigError
from streams.store.client import Store
from streams.store.sql import query

_ID_START: Final = re.compile(r"[0-9a-f][0-9a-f-]{0,35}")


@dataclass(frozen=True, slots=True)
class Like:
    """A text and how like it is: the cosine of its vector with the one that was asked about. The text is masked."""

    verdict_id: UUID
    side: str
    app: str
    model: str
    action: str
    came_at: datetime
    similarity: float
    text: str = field(repr=False)

    def to_json(self) -> Mapping[str, Any]:
        """The text as values for ``json.dumps``."""
        return {
            "verdict_id": str(self.verdict_id),
            "side": self.side,
            "app": self.app,
            "model": self.model or None,
            "action": self.action,
            "came_at": self.came_at.isoformat(),
            "similarity": round(self.similarity, 4),
            "text": self.text,
        }


def more_like(store: Store, start: str, side: str | None = None, most: int = 10) -> Sequence[Like]:
    """The texts nearest to that of the verdict whose id begins so; of two sides, its response, unless one is named.

    Raises:
        ConfigError: no vector is of such a verdict, or more than one verdict's id begins so.
    """
    beginning = start.strip().lower()
    if not _ID_START.fullmatch(beginning):
        raise ConfigError("expected a verdict's id or its beginning", code=Code.INVALID_FIELD, field="verdict_id")
    encoder = store.select(query("latest_encoder"))[0]["encoder"]
    found = store.select(query("embedded"), encoder=encoder, beginning=beginning)
    if len({row["verdict_id"] for row in found}) > 1:
        raise ConfigError("more than one verdict's id begins so", field=beginning)
    sides = [row["side"] for row in found if side in {None, row["side"]}]
    if not sides:
        message = "no vector is of a verdict whose id begins so: `weir errors refresh` makes those that are missing"
        raise ConfigError(message, field=beginning)
    wanted = {"encoder": encoder, "verdict_id": found[0]["verdict_id"], "side": sides[-1], "most": most}
    return [_like(row) for row in store.select(query("similar"), **wanted)]


def _like(row: Mapping[str, Any]) -> Like:
    facts = {name: row[name] for name in ("verdict_id", "side", "app", "model", "action", "similarity", "text")}
    return Like(**facts, came_at=row["source_time"])
