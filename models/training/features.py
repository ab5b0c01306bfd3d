"""Features of a corpus, computed once and kept: training reads them many times."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.encoder import TextEncoder

CHUNK_TEXTS = 4096


@dataclass(frozen=True, slots=True)
class CorpusFeatures:
    """Windows of all texts, one after another: ``mean`` and ``peak`` (windows, dim), fp16; ``counts`` (texts,)."""

    counts: NDArray[np.int64]
    mean: NDArray[np.float16]
    peak: NDArray[np.float16]


def embed(encoder: TextEncoder, texts: Sequence[str], folder: Path) -> CorpusFeatures:
    """Features of ``texts``, from ``folder`` if they were computed before. Minutes for 100,000 texts; says how far."""
    digest = hashlib.sha256(encoder.version.encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    path = folder / f"{digest.hexdigest()[:20]}.npz"
    if path.is_file():
        with np.load(path) as stored:
            return CorpusFeatures(stored["counts"], stored["mean"], stored["peak"])
    counts, means, peaks = [], [], []
    for start in range(0, len(texts), CHUNK_TEXTS):
        found = encoder.encode(texts[start : start + CHUNK_TEXTS])
        counts += [len(features.mean) for features in found]
        means.append(np.concatenate([features.mean for features in found]).astype(np.float16))
        peaks.append(np.concatenate([features.peak for features in found]).astype(np.float16))
        print(f"embedded {len(counts)}/{len(texts)}", file=sys.stderr)  # noqa: T201 - progress of a long command
    made = CorpusFeatures(np.array(counts), np.concatenate(means), np.concatenate(peaks))
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(path, counts=made.counts, mean=made.mean, peak=made.peak)
    return made
