"""Activation ranges of a graph on ordinary text, for static quantisation."""

from collections.abc import Collection, Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.ranges import ActivationRanges, Ranges
from models.windows import WindowTokenizer

Array = NDArray[np.float32]


def measure_ranges(graph: bytes, results: Collection[str], tokenizer: WindowTokenizer, texts: Sequence[str]) -> Ranges:
    """Least and greatest input of every linear layer, by channel, over the first window of each text.

    The graph has probes; ``results`` are its other outputs.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    layers = [output.name for output in session.get_outputs() if output.name not in results]
    low: dict[str, Array] = {}
    high: dict[str, Array] = {}
    for window in (tokenizer.cut(text).tokens[:1] for text in texts):
        if not window:
            continue
        ids = window[0][None]
        for layer, values in zip(layers, session.run(layers, {"ids": ids, "mask": np.ones_like(ids)}), strict=True):
            channels = values.reshape(-1, values.shape[-1])
            least, most = channels.min(axis=0), channels.max(axis=0)
            low[layer] = np.minimum(low.get(layer, least), least)
            high[layer] = np.maximum(high.get(layer, most), most)
    return {layer: ActivationRanges(low[layer], high[layer]) for layer in layers}
