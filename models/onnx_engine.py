"""The encoder's matrix products on the CPU, through ONNX Runtime."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.catalog import load_catalog
from models.store import require
from schemas.errors import Code, ConfigError

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
        return 384

    @property
    def tokenizer_file(self) -> Path:
        return self._entry.folder(self._directory) / TOKENIZER_FILE

    def load(self) -> None:
        """Verify the files against the catalog and open a session. Raises ConfigError."""
        folder = require(self._entry, self._directory)
        onnxruntime.disable_telemetry_events()  # a guard has nothing to report to anybody
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors only; nothing of ours is a warning worth standard error
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leaves the core to others
        try:
            self._session = onnxruntime.InferenceSession(
                str(folder / GRAPH_FILE), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime's own exceptions share no base
            raise ConfigError(f"{GRAPH_FILE} cannot be loaded", code=Code.MODEL_CORRUPT, field=MODEL) from error

    def run(self, ids: NDArray[np.int32], mask: NDArray[np.int32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if self._session is None:
            raise ConfigError("the encoder is used before load()", field=MODEL)
        mean, peak = self._session.run(["mean", "peak"], {"ids": ids, "mask": mask})
        return mean, peak
