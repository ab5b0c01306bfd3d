"""Text to features: windows, batches and memory around an engine that only maps token ids to vectors.

There is one implementation of everything but the matrix products; the engines are ONNX Runtime (``OnnxEncoder``,
the default, needs no torch) and torch (``models.torch_encoder``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.batches import MICRO_BATCH_TOKENS, plan_batches
from models.onnx_engine import OnnxEngine
from models.pooled import WIDTHS, Floats, Pooled
from models.recollection import Recollection, text_digest
from models.windows import WindowedText, WindowTokenizer

CACHE_WINDOWS = 4096  # about 31 MB


@dataclass(frozen=True, slots=True)
class WindowFeatures:
    """The features of one text, by window; the arrays are shared and read-only.

    ``spans`` (windows, 2) code points; the others as in ``models.pooled.Pooled``. A blank text has no windows.
    """

    spans: NDArray[np.int32]
    mean: Floats
    peak: Floats
    inner: Floats


class Engine(Protocol):
    """Token ids to pooled vectors. Row i of the result depends on row i of the input only."""

    @property
    def version(self) -> str: ...
    @property
    def dim(self) -> int: ...
    @property
    def tokenizer_file(self) -> Path: ...
    def load(self) -> None:
        """Read the weights. Raises ConfigError (MODEL_MISSING, MODEL_CORRUPT)."""
        ...

    def run(self, ids: NDArray[np.int32], mask: NDArray[np.int32]) -> Pooled:
        """The vectors of a padded batch. May be called from several threads."""
        ...


class TextEncoder:
    """Features of any texts, deterministic, thread-safe and independent of what else is in the batch.

    Repeated windows of one call are computed once; texts seen before come from a memory of ``cache_windows``
    windows. Memory in use beyond the features is bounded by one micro-batch of ``batch_tokens`` tokens.
    """

    def __init__(
        self, engine: Engine, *, cache_windows: int = CACHE_WINDOWS, batch_tokens: int = MICRO_BATCH_TOKENS
    ) -> None:
        self._engine = engine
        self._tokenizer = WindowTokenizer(engine.tokenizer_file)
        self._batch_tokens = batch_tokens
        self._memory: Recollection[WindowFeatures] = Recollection(cache_windows)
        self._lock = Lock()
        self._loaded = False

    @property
    def version(self) -> str:
        return self._engine.version

    @property
    def dim(self) -> int:
        """Width of ``mean`` and of ``peak``."""
        return self._engine.dim

    def load(self) -> None:
        """Read tokenizer and weights once; later calls do nothing. Raises ConfigError when they cannot be used."""
        with self._lock:
            if not self._loaded:
                self._engine.load()
                self._tokenizer.load()
                self._loaded = True

    def cut(self, text: str) -> WindowedText:
        """The windows that ``encode`` computes the features of."""
        return self._tokenizer.cut(text)

    def encode(self, texts: Sequence[str]) -> list[WindowFeatures]:
        """Features in the order of ``texts``. Any string is legal: empty, huge, NULs, lone surrogates."""
        keys = [text_digest(text) for text in texts]
        known: dict[bytes, WindowFeatures] = {}
        fresh: dict[bytes, WindowedText] = {}
        for key, text in zip(keys, texts, strict=True):
            if key in known or key in fresh:
                continue
            found = self._memory.get(key)
            if found is None:
                fresh[key] = self._tokenizer.cut(text)
            else:
                known[key] = found
        known.update(self._compute(fresh))
        return [known[key] for key in keys]

    def _compute(self, fresh: dict[bytes, WindowedText]) -> dict[bytes, WindowFeatures]:
        places: dict[bytes, int] = {}
        distinct: list[NDArray[np.int32]] = []
        for windowed in fresh.values():
            for window in windowed.tokens:
                if places.setdefault(window.tobytes(), len(distinct)) == len(distinct):
                    distinct.append(window)
        pooled = self._run(distinct)
        done: dict[bytes, WindowFeatures] = {}
        for key, windowed in fresh.items():
            rows = [places[window.tobytes()] for window in windowed.tokens]
            features = WindowFeatures(windowed.spans, pooled.mean[rows], pooled.peak[rows], pooled.inner[rows])
            for array in (features.spans, features.mean, features.peak, features.inner):
                array.flags.writeable = False
            self._memory.put(key, features, weight=max(1, len(rows)))
            done[key] = features
        return done

    def _run(self, windows: Sequence[NDArray[np.int32]]) -> Pooled:
        pooled = Pooled(**{name: np.empty((len(windows), width), np.float32) for name, width in WIDTHS.items()})
        for batch in plan_batches(windows, self._batch_tokens):
            rows, found = list(batch.rows), self._engine.run(batch.ids, batch.mask)
            pooled.mean[rows], pooled.peak[rows], pooled.inner[rows] = found.mean, found.peak, found.inner
        return pooled


class OnnxEncoder(TextEncoder):
    """The default encoder: int8 on the CPU through ONNX Runtime, 384 dimensions, no torch."""

    def __init__(
        self,
        directory: Path,
        *,
        threads: int = 1,
        cache_windows: int = CACHE_WINDOWS,
        batch_tokens: int = MICRO_BATCH_TOKENS,
    ) -> None:
        super().__init__(OnnxEngine(directory, threads=threads), cache_windows=cache_windows, batch_tokens=batch_tokens)
