"""The weights of the personal-data tagger: a published checkpoint in four bits, and what we trained on top of it.

The checkpoint is Rampart's ONNX file (a BERT for token classification, ``MatMulNBits`` in blocks of 32). Our part is an
adapter of low rank for every linear layer (LoRA, arXiv 2106.09685: ``W + up @ down``) and a classifier of our own
classes. Unpacking is elementwise and the products are summed in a fixed order, in fp64, so that nothing but the two
files decides the bytes.
"""

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper

Array = NDArray[np.float32]

_PREFIX = "bert."
_HEAD = "classifier."
_MIDDLE = 8  # the four-bit value that stands for 0


def unpack_checkpoint(data: bytes) -> dict[str, Array]:
    """The state dict in the ONNX file, in fp32, without the prefix ``bert.``."""
    model = onnx.load_from_string(data)
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    weights = _matrices(model, stored)
    for name, value in stored.items():
        if name.endswith("_quantized"):
            base = name.removesuffix("_quantized")
            exact = (value.astype(np.float64) - float(stored[f"{base}_zero_point"])) * float(stored[f"{base}_scale"])
            weights[base.removeprefix(_PREFIX)] = exact.astype(np.float32)
        elif name.endswith((".bias", "LayerNorm.weight")):
            weights[name.removeprefix(_PREFIX)] = value.astype(np.float32)
    return weights


def adapt(weights: Mapping[str, Array], adapter: Mapping[str, NDArray[np.float16]]) -> dict[str, Array]:
    """The weights with the adapter's products added, and its classifier in place of theirs."""
    adapted = {name: value for name, value in weights.items() if not name.startswith(_HEAD)}
    for name, value in adapter.items():
        if name.startswith(_HEAD):
            adapted[name] = value.astype(np.float32)
        elif name.endswith(".up"):
            layer = name.removesuffix(".up")
            up, down = value.astype(np.float64), adapter[f"{layer}.down"].astype(np.float64)
            exact = adapted[f"{layer}.weight"].astype(np.float64)
            for rank in range(len(down)):
                exact = exact + up[:, rank, None] * down[rank]
            adapted[f"{layer}.weight"] = exact.astype(np.float32)
    return adapted


def _matrices(model: ModelProto, stored: Mapping[str, NDArray[np.generic]]) -> dict[str, Array]:
    """The weights of the graph's four-bit products, out by in, by the layer's name."""
    weights: dict[str, Array] = {}
    for node in model.graph.node:
        if node.op_type == "MatMulNBits":
            packed, scales = stored[node.input[1]], stored[node.input[2]].astype(np.float64)
            low, high = packed.astype(np.int16) & 15, packed.astype(np.int16) >> 4
            values = np.stack((low, high), axis=-1).reshape(*packed.shape[:2], -1) - _MIDDLE
            exact = values * scales.reshape(*packed.shape[:2], 1)
            layer = node.name.strip("/").removesuffix("/MatMul_Q4").replace("/", ".").removeprefix(_PREFIX)
            weights[f"{layer}.weight"] = exact.reshape(len(packed), -1).astype(np.float32)
    return weights
