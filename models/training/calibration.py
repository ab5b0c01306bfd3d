"""Activation ranges of the encoder on ordinary text, for static quantisation."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.graph import build_graph
from models.ranges import ActivationRanges, Ranges
from models.windows import WindowTokenizer

Array = NDArray[np.float32]


def measure_ranges(weights: Mapping[str, Array], tokenizer: WindowTokenizer, texts: Sequence[str]) -> Ranges:
    """Least and greatest input of every linear layer, by channel, over the first window of each text."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    graph = build_graph(weights, None, probes=True)
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    layers = [output.name for output in session.get_outputs() if output.name not in ("mean", "peak")]
    low: dict[str, Array] = {}
    high: dict[str, Array] = {}
    for window in (tokenizer.cut(text).tokens[:1] for text in texts):
        if not window:
            continue
        ids = window[0][None]
        for layer, values in zip(layers, session.run(layers, {"ids": ids, "mask": np.ones_like(ids)}), strict=True):
            least, most = values[0].min(axis=0), values[0].max(axis=0)
            low[layer] = np.minimum(low.get(layer, least), least)
            high[layer] = np.maximum(high.get(layer, most), most)
    return {layer: ActivationRanges(low[layer], high[layer]) for layer in layers}
