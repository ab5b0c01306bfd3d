"""The encoder's matrix products on the CPU, through ONNX Runtime."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.catalog import load_catalog
from models.onnx_session import open_session
from models.pooled import WIDTH, Pooled
from models.store import require
from schemas.errors import ConfigError

MODEL = "minilm-l6"
GRAPH_FILE = "encoder.int8.onnx"
TOKENIZER_FILE = "tokenizer.json"


class OnnxEngine:
    """Runs the int8 graph from ``directory`` on ``threads`` threads. Thread-safe after ``load``."""

    def __init__(self, directory: Path, *, threads: int = 1) -> None:
        self._directory = directory
        self._entry = load_catalog()[MODEL]
        self._threads = threads
        self._session: onnxruntime.InferenceSession | None = None

    @property
    def version(self) -> str:
        return self._entry.version_of(GRAPH_FILE)

    @property
    def dim(self) -> int:
        return WIDTH

    @property
    def tokenizer_file(self) -> Path:
        return self._entry.folder(self._directory) / TOKENIZER_FILE

    def load(self) -> None:
        """Verify the files against the catalog and open a session. Raises ConfigError."""
        folder = require(self._entry, self._directory)
        self._session = open_session(folder / GRAPH_FILE, self._threads, MODEL)

    def run(self, ids: NDArray[np.int32], mask: NDArray[np.int32]) -> Pooled:
        if self._session is None:
            raise ConfigError("the encoder is used before load()", field=MODEL)
        return Pooled(*self._session.run(["mean", "peak", "inner"], {"ids": ids, "mask": mask}))
