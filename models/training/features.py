"""Features of a corpus, computed once and kept by chunk: training reads them many times, and may be resumed."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.encoder import TextEncoder
from models.pooled import WIDTHS

CHUNK_TEXTS = 512


@dataclass(frozen=True, slots=True)
class CorpusFeatures:
    """Windows of all texts, one after another: the vectors of ``models.pooled`` in fp16; ``counts`` (texts,)."""

    counts: NDArray[np.int64]
    mean: NDArray[np.float16]
    peak: NDArray[np.float16]
    inner: NDArray[np.float16]


def embed(encoder: TextEncoder, texts: Sequence[str], folder: Path) -> CorpusFeatures:
    """Features of ``texts``, from ``folder`` where they were computed before. Minutes for 100,000 texts."""
    folder.mkdir(parents=True, exist_ok=True)
    nothing = {name: np.zeros((0, width), np.float16) for name, width in WIDTHS.items()}
    chunks = [CorpusFeatures(counts=np.zeros(0, np.int64), **nothing)]
    for start in range(0, len(texts), CHUNK_TEXTS):
        chunks.append(_chunk(encoder, texts[start : start + CHUNK_TEXTS], folder))
        print(f"embedded {start + len(chunks[-1].counts)}/{len(texts)}", file=sys.stderr)  # noqa: T201 - progress
    return CorpusFeatures(
        np.concatenate([chunk.counts for chunk in chunks]),
        np.concatenate([chunk.mean for chunk in chunks]),
        np.concatenate([chunk.peak for chunk in chunks]),
        np.concatenate([chunk.inner for chunk in chunks]),
    )


def _chunk(encoder: TextEncoder, texts: Sequence[str], folder: Path) -> CorpusFeatures:
    digest = hashlib.sha256(encoder.version.encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    path = folder / f"{digest.hexdigest()[:20]}.npz"
    if path.is_file():
        with np.load(path) as stored:
            return CorpusFeatures(stored["counts"], stored["mean"], stored["peak"], stored["inner"])
    found = encoder.encode(texts)
    made = CorpusFeatures(
        np.array([len(features.mean) for features in found]),
        np.concatenate([features.mean for features in found]).astype(np.float16),
        np.concatenate([features.peak for features in found]).astype(np.float16),
        np.concatenate([features.inner for features in found]).astype(np.float16),
    )
    np.savez(path, counts=made.counts, mean=made.mean, peak=made.peak, inner=made.inner)
    return made
