"""Failures that resemble each other: read from the store, grouped, and named by their words."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from monitors.clusters.grouping import SIMILAR, grouped
from monitors.clusters.keywords import keywords, words_of
from streams.failures.failing import failings
from streams.failures.vectors import matrix
from streams.store.client import Store
from streams.store.sql import query

MOST: Final = 3_000
"""Texts that are read, the newest: grouping takes the square of it."""
_EXEMPLARS: Final = 3


@dataclass(frozen=True, slots=True)
class Example:
    """One text of a cluster, masked."""

    verdict_id: UUID
    side: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Failures alike: how many, what went wrong and with which models, most frequent first, and the most typical.

    ``keywords`` tell its texts from all others that were read, failures or not; ``cohesion`` is the mean cosine.
    """

    size: int
    failings: Mapping[str, int]
    models: Mapping[str, int]
    apps: Mapping[str, int]
    keywords: tuple[str, ...]
    first: datetime
    last: datetime
    cohesion: float
    examples: tuple[Example, ...]

    def to_json(self) -> Mapping[str, Any]:
        """The cluster as values for ``json.dumps``."""
        return {
            "size": self.size,
            "failings": dict(self.failings),
            "models": dict(self.models),
            "apps": dict(self.apps),
            "keywords": list(self.keywords),
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "cohesion": round(self.cohesion, 3),
            "examples": [
                {"verdict_id": str(each.verdict_id), "side": each.side, "text": each.text} for each in self.examples
            ],
        }


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found: of ``read`` texts ``failed`` went wrong, most of them in ``clusters``; the largest first."""

    read: int
    failed: int
    clusters: tuple[Cluster, ...]


def read_clusters(store: Store, since: datetime, app: str = "", failing: str = "", similar: float = SIMILAR) -> Survey:
    """Group the failures since then, of one app if named; with ``failing`` those alone whose failing begins so."""
    encoder = store.select(query("latest_encoder"))[0]["encoder"]
    rows = store.select(query("failures"), encoder=encoder, since=since, app=app, most=MOST)
    wrong = {index: _failings(row) for index, row in enumerate(rows)}
    failed = [index for index, found in wrong.items() if any(each.startswith(failing) for each in found)]
    words = [words_of(row["text"]) for row in rows]
    groups = grouped(matrix([rows[index]["vector"] for index in failed]), similar)
    clusters = []
    for group in groups:
        members = [failed[member] for member in group.members]
        clusters.append(_cluster(rows, members, wrong, keywords(words, members), group.cohesion))
    return Survey(len(rows), len(failed), tuple(clusters))


def _failings(row: Mapping[str, Any]) -> tuple[str, ...]:
    return failings(row["side"], row["guards"], row["agreed"], row["denied"], disliked=bool(row["disliked"]))


def _cluster(
    rows: Sequence[Mapping[str, Any]],
    members: Sequence[int],
    wrong: Mapping[int, tuple[str, ...]],
    telling: tuple[str, ...],
    cohesion: float,
) -> Cluster:
    mine = [rows[index] for index in members]
    times = [row["source_time"] for row in mine]
    return Cluster(
        size=len(members),
        failings=_counted(failing for index in members for failing in wrong[index]),
        models=_counted(row["model"] for row in mine if row["model"]),
        apps=_counted(row["app"] for row in mine),
        keywords=telling,
        first=min(times),
        last=max(times),
        cohesion=cohesion,
        examples=tuple(Example(row["verdict_id"], row["side"], row["text"]) for row in mine[:_EXEMPLARS]),
    )


def _counted(names: Iterable[str]) -> Mapping[str, int]:
    return dict(sorted(Counter[str](names).items(), key=lambda pair: (-pair[1], pair[0])))
