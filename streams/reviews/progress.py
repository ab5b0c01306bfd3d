"""How far people have come with what they were asked."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from streams.reviews.rendering import left
from streams.store.client import Store
from streams.store.sql import query

COLUMNS: Final = ("kind", "app", "stratum", "asked", "open", "readings", "oldest open", "to a label", "90%")


@dataclass(frozen=True, slots=True)
class Progress:
    """Reviews of a kind, app and stratum: asked for, still open, readings done, and the oldest that is open.

    ``median`` and ``most`` are how many seconds half and nine in ten of the answers took, from the review's opening.
    """

    kind: str
    app: str
    stratum: str
    asked: int
    open: int
    readings: int
    oldest: datetime | None
    median: float | None = None
    most: float | None = None

    def to_json(self) -> Mapping[str, Any]:
        """The figures as values for ``json.dumps``."""
        return {**asdict(self), "oldest": self.oldest.isoformat() if self.oldest else None}


def read_progress(store: Store) -> tuple[Progress, ...]:
    """How every kind, app and stratum stands."""
    return tuple(_progress(row) for row in store.select(query("progress")))


def row(progress: Progress, now: datetime) -> tuple[object, ...]:
    """The cells of ``COLUMNS``."""
    oldest = left(now - progress.oldest) if progress.oldest else ""
    return (
        *(getattr(progress, name) for name in ("kind", "app", "stratum", "asked", "open", "readings")),
        oldest,
        _span(progress.median),
        _span(progress.most),
    )


def _span(seconds: float | None) -> str:
    return "" if seconds is None else left(timedelta(seconds=seconds))


def _progress(row: Mapping[str, Any]) -> Progress:
    oldest = row["oldest"].replace(tzinfo=UTC) if row["open"] else None
    numbers = {name: row[name] for name in ("asked", "open", "readings")}
    took = {name: row[name] for name in ("median", "most")}
    return Progress(row["kind"], row["app"], row["stratum"], **numbers, **took, oldest=oldest)
