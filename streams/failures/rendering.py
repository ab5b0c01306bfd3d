"""Clusters and likenesses as people read them on a terminal."""

from collections.abc import Mapping
from typing import Final

from streams.failures.clusters import Cluster, Survey
from streams.failures.likeness import Like
from streams.printable import excerpt

COLUMNS: Final = ("texts", "what went wrong", "model", "words", "last", "for example", "masked")
LIKE_COLUMNS: Final = ("verdict", "alike", "app", "side", "action", "came", "masked")
_ID_SHOWN: Final = 8
_EXCERPT: Final = 56


def row(cluster: Cluster) -> tuple[object, ...]:
    """The cells of ``COLUMNS``."""
    example = cluster.examples[0]
    return (
        cluster.size,
        _most(cluster.failings),
        _most(cluster.models),
        excerpt(", ".join(cluster.keywords), 48),
        f"{cluster.last:%d %b %H:%M}",
        str(example.verdict_id)[:_ID_SHOWN],
        excerpt(example.text, _EXCERPT),
    )


def like_row(like: Like) -> tuple[object, ...]:
    """The cells of ``LIKE_COLUMNS``."""
    return (
        str(like.verdict_id)[:_ID_SHOWN],
        f"{like.similarity:.2f}",
        excerpt(like.app, 16),
        like.side,
        like.action,
        f"{like.came_at:%d %b %H:%M}",
        excerpt(like.text, _EXCERPT),
    )


def summary(survey: Survey) -> str:
    """One line: how much was read, and how much of it went wrong and is like nothing else."""
    alone = survey.failed - sum(cluster.size for cluster in survey.clusters)
    return f"{survey.failed:,} of {survey.read:,} texts went wrong; {alone:,} of them are in no group"


def _most(counts: Mapping[str, int], most: int = 2) -> str:
    shown = ", ".join(f"{excerpt(name, 28)} {count:,}" for name, count in list(counts.items())[:most])
    return shown + (", …" if len(counts) > most else "")
