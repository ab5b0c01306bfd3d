"""Vectors for what has none yet: from the store's masked texts, back into the store."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from guards.guard import Encoder
from streams.failures.vectors import direction
from streams.store.client import Store, Values
from streams.store.columns import milliseconds
from streams.store.sql import query

MOST: Final = 5_000
_BATCH: Final = 64


def refresh(store: Store, encoder: Encoder, now: datetime, most: int = MOST) -> Iterator[int]:
    """Make the missing vectors, the newest first; yields how many there are after each batch.

    Harmless to repeat and to interrupt. Vectors of verdicts that are gone are deleted first: somebody may have been
    forgotten while an earlier refresh still knew the text.
    """
    if store.select(query("orphaned_embeddings"))[0]["vectors"]:
        store.command(query("delete_orphaned_embeddings"))
    missing, made = store.select(query("unembedded"), encoder=encoder.version, most=most), 0
    for start in range(0, len(missing), _BATCH):
        rows = list(_rows(missing[start : start + _BATCH], encoder, now))
        store.insert("embeddings", rows, token=str(uuid4()))
        made += len(rows)
        yield made


def _rows(missing: Sequence[Mapping[str, Any]], encoder: Encoder, now: datetime) -> Iterator[Values]:
    features = encoder.encode([row["text"] for row in missing])
    for row, feature in zip(missing, features, strict=True):
        vector = direction(feature.mean)
        if vector is not None:
            yield {
                **{name: row[name] for name in ("verdict_id", "side", "app", "user", "conversation_id", "keep_days")},
                "source_time": milliseconds(row["source_time"]),
                "encoder": encoder.version,
                "vector": vector,
                "made_at": milliseconds(now),
            }
