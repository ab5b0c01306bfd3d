"""Features of a corpus, computed once and kept: training reads them many times, and may be stopped and resumed."""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.encoder import TextEncoder, WindowFeatures
from models.pooled import WIDTHS
from models.recollection import text_digest

CHUNK_TEXTS = 512  # a chunk is lost when training is stopped


@dataclass(frozen=True, slots=True)
class CorpusFeatures:
    """Windows of all texts, one after another: the vectors of ``models.pooled`` in fp16; ``counts`` (texts,)."""

    counts: NDArray[np.int64]
    mean: NDArray[np.float16]
    peak: NDArray[np.float16]
    inner: NDArray[np.float16]


def embed(encoder: TextEncoder, texts: Sequence[str], folder: Path) -> CorpusFeatures:
    """Features of ``texts``; those that were computed before, for whatever corpus, come from ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = hashlib.sha256(encoder.version.encode()).hexdigest()[:12]
    wanted = {text_digest(text): text for text in texts}
    found = dict(_kept(folder, stem, wanted))
    missing = [digest for digest in wanted if digest not in found]
    for start in range(0, len(missing), CHUNK_TEXTS):
        chunk = missing[start : start + CHUNK_TEXTS]
        made = _features(encoder.encode([wanted[digest] for digest in chunk]))
        path = folder / f"{stem}-{hashlib.sha256(b''.join(chunk)).hexdigest()[:20]}.npz"
        digests = np.frombuffer(b"".join(chunk), "V16")
        np.savez(path, digests=digests, counts=made.counts, mean=made.mean, peak=made.peak, inner=made.inner)
        found.update(_rows(path, wanted))
        print(f"embedded {start + len(chunk)}/{len(missing)}", file=sys.stderr)  # noqa: T201 - progress
    return _joined([found[text_digest(text)] for text in texts])


def _features(computed: Sequence[WindowFeatures]) -> CorpusFeatures:
    return CorpusFeatures(
        np.array([len(features.mean) for features in computed], np.int64),
        **{
            name: np.concatenate([getattr(features, name) for features in computed]).astype(np.float16)
            for name in WIDTHS
        },
    )


def _kept(folder: Path, stem: str, wanted: dict[bytes, str]) -> Iterator[tuple[bytes, CorpusFeatures]]:
    for path in sorted(folder.glob(f"{stem}-*.npz")):
        yield from _rows(path, wanted)


def _rows(path: Path, wanted: dict[bytes, str]) -> Iterator[tuple[bytes, CorpusFeatures]]:
    """The features of each wanted text of a file."""
    with np.load(path) as stored:
        digests, counts = stored["digests"], stored["counts"]
        ends = np.cumsum(counts)
        chosen = [row for row, digest in enumerate(digests) if digest.tobytes() in wanted]
        vectors = {name: stored[name] for name in WIDTHS} if chosen else {}
    for row in chosen:
        windows = slice(ends[row] - counts[row], ends[row])
        yield (
            digests[row].tobytes(),
            CorpusFeatures(counts[row : row + 1], **{name: values[windows].copy() for name, values in vectors.items()}),
        )


def _joined(parts: Sequence[CorpusFeatures]) -> CorpusFeatures:
    nothing = {name: np.zeros((0, width), np.float16) for name, width in WIDTHS.items()}
    whole = [CorpusFeatures(np.zeros(0, np.int64), **nothing), *parts]
    return CorpusFeatures(
        np.concatenate([part.counts for part in whole]),
        **{name: np.concatenate([getattr(part, name) for part in whole]) for name in WIDTHS},
    )
