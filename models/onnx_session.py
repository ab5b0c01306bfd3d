"""How a graph is opened on the CPU: quietly, on a bounded number of threads, leaving idle cores to others."""

from pathlib import Path

import onnxruntime

from schemas.errors import Code, ConfigError


def open_session(graph: Path, threads: int, model: str) -> onnxruntime.InferenceSession:
    """The graph, ready to run from any thread. Raises ConfigError: ``MODEL_CORRUPT``, naming the model."""
    onnxruntime.disable_telemetry_events()  # a guard has nothing to report to anybody
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only; nothing of ours is a warning worth standard error
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leaves the core to others
    try:
        return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own exceptions share no base
        raise ConfigError(f"{graph.name} cannot be loaded", code=Code.MODEL_CORRUPT, field=model) from error
