"""A small BERT as an ONNX graph, written operator by operator from its weights.

Post-normalisation, and one of two ends. The encoder's outputs are already pooled: ``mean`` is the L2-normalised mean
of the last layer over the unmasked tokens, ``peak`` the maximum over them, ``inner`` the means of three layers below
it, likewise normalised. The tagger's ``shares`` are the probabilities of every token's classes. Writing the graph
ourselves needs no torch and no exporter, and leaves the quantisation in our hands:

- Activations are quantised with *stored* ranges (one scale a matrix product), not with ranges of the batch at
  hand, so a text's features do not depend on its batch-mates or on padding.
- Outlier channels are first moved into the weights (SmoothQuant, arXiv 2211.10438, with migration strength 0.8),
  which makes one scale for all channels accurate.
- Weights are int8 with one scale an output channel, chosen so that two adjacent products fit into 16 bits: CPUs
  without VNNI add them in saturating 16-bit registers and would otherwise give other numbers.
- Inside, tokens come before texts (token, text, channel). Attention's products can then read queries, keys and values
  where the linear layers wrote them, and nothing is transposed but what attention gives.

The module knows nothing of files: ``build_graph`` maps arrays to bytes. The bytes depend on nothing but its
arguments, so the result can be pinned by its hash.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from models.pooled import INNER_LAYERS, WIDTH, WIDTHS
from models.ranges import ActivationRanges, Ranges

Array = NDArray[np.float32]

LAYERS = 6
HEADS = 12
HEAD_WIDTH = WIDTH // HEADS
EPSILON = 1e-12
OPSET = 20
IR_VERSION = 9
CONTRIB = "com.microsoft"
MIGRATION = 0.8  # how much of the activations' spread goes to the weights; best of 0.3 to 1.0 by cosine to fp32
PAIR_LIMIT = 126  # |w0| + |w1| of neighbours, in steps: 255 * (126 + 1 for rounding) < 2**15
MASKED = np.float32(1e4)  # subtracted from masked logits: exp(-1e4) is exactly 0 in fp32


@dataclass(slots=True)
class Tape:
    """Nodes and constants in the order they were written, and the probes that calibration reads."""

    weights: Mapping[str, Array]
    ranges: Ranges | None
    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)
    probes: dict[str, str] = field(default_factory=dict)

    def constant(self, value: NDArray[np.generic] | np.generic) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name))
        return name

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def add(self, op: str, *inputs: str, domain: str = "", name: str | None = None, **attributes: object) -> str:
        output = name or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], domain=domain, **attributes))
        return output

    def weight(self, name: str) -> Array:
        return self.weights[name].astype(np.float32)


def build_graph(weights: Mapping[str, Array], ranges: Ranges | None, *, probes: bool = False) -> bytes:
    """Serialised ONNX model with inputs ``ids`` and ``mask`` (int32, batch by tokens), outputs as in ``models.pooled``.

    Args:
        weights: State dict of a Hugging Face ``BertModel``.
        ranges: Activation ranges by linear layer, from calibration; None keeps everything in fp32.
        probes: Also output the input of every linear layer under the layer's name, for calibration.
    """
    tape = Tape(weights, ranges)
    layers, mask, penalty = _transform(tape)
    _average(tape, layers[-1], mask, "mean")
    lowered = tape.add("Add", layers[-1], tape.add("Unsqueeze", penalty, tape.integers(-1)))
    tape.add("ReduceMax", lowered, tape.integers(0), keepdims=0, name="peak")
    tape.add("Concat", *(_average(tape, layers[layer], mask) for layer in INNER_LAYERS), axis=-1, name="inner")
    return _serialise(tape, probes, {name: ["batch", width] for name, width in WIDTHS.items()})


def build_tagger(weights: Mapping[str, Array], ranges: Ranges | None, *, probes: bool = False) -> bytes:
    """Serialised ONNX model with the encoder's inputs and the output ``shares``, batch by tokens by classes.

    ``weights`` has the state dict of a ``BertModel``, and ``classifier.weight`` and ``classifier.bias`` beside it.
    """
    tape = Tape(weights, ranges)
    hidden = tape.add("Transpose", _transform(tape).layers[-1], perm=[1, 0, 2])
    classes = tape.constant(tape.weight("classifier.weight").T)  # too few columns for int8 to pay
    logits = tape.add("Add", tape.add("MatMul", hidden, classes), tape.constant(tape.weight("classifier.bias")))
    tape.add("Softmax", logits, axis=-1, name="shares")
    return _serialise(tape, probes, {"shares": ["batch", "tokens", len(weights["classifier.bias"])]})


class _Transformed(NamedTuple):
    """Every layer's output, the mask as numbers, and the penalty that hides padding (0 where a token, else -1e4).

    All have tokens first and texts second.
    """

    layers: list[str]
    mask: str
    penalty: str


def _transform(tape: Tape) -> _Transformed:
    mask = tape.add("Cast", tape.add("Transpose", "mask", perm=[1, 0]), to=TensorProto.FLOAT)
    one = tape.constant(np.float32(1))
    penalty = tape.add("Mul", tape.add("Sub", mask, one), tape.constant(MASKED))
    bias = tape.add("Unsqueeze", tape.add("Transpose", penalty, perm=[1, 0]), tape.integers(1, 2))
    hidden = _embed(tape)
    layers = []
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        context = _attend(tape, hidden, bias, prefix)
        (mixed,) = _linear(tape, context, prefix + "attention.output.dense")
        hidden = _normalise(tape, mixed, hidden, prefix + "attention.output.LayerNorm")
        (raised,) = _linear(tape, hidden, prefix + "intermediate.dense")
        (lowered,) = _linear(tape, tape.add("Gelu", raised, domain=CONTRIB), prefix + "output.dense")
        hidden = _normalise(tape, lowered, hidden, prefix + "output.LayerNorm")
        layers.append(hidden)
    return _Transformed(layers, mask, penalty)


def _embed(tape: Tape) -> str:
    # Every text is of token type 0, so its embedding is part of the position's.
    position = tape.weight("embeddings.position_embeddings.weight")
    position = position + tape.weight("embeddings.token_type_embeddings.weight")[0]
    words = tape.constant(tape.weight("embeddings.word_embeddings.weight").astype(np.float16))  # half the file
    ids = tape.add("Transpose", "ids", perm=[1, 0])
    found = tape.add("Cast", tape.add("Gather", words, ids, axis=0), to=TensorProto.FLOAT)
    length = tape.add("Shape", "ids", start=1, end=2)
    places = tape.add("Slice", tape.constant(position[:, None]), tape.integers(0), length, tape.integers(0))
    return _normalise(tape, found, places, "embeddings.LayerNorm")


def _attend(tape: Tape, hidden: str, bias: str, prefix: str) -> str:
    parts = _linear(tape, hidden, *(f"{prefix}attention.self.{part}" for part in ("query", "key", "value")))
    shape = tape.integers(0, 0, HEADS, HEAD_WIDTH)
    query, key, value = (tape.add("Reshape", part, shape) for part in parts)  # token, text, head, channel
    # With transBatch the first dimension is the rows' and those between it and the last are the batch's.
    logits = tape.add(
        "FusedMatMul", query, key, domain=CONTRIB, transBatchA=1, transBatchB=1, transB=1, alpha=HEAD_WIDTH**-0.5
    )
    shares = tape.add("Softmax", tape.add("Add", logits, bias), axis=-1)
    context = tape.add("FusedMatMul", shares, value, domain=CONTRIB, transBatchB=1)  # text, head, token, channel
    return tape.add("Reshape", tape.add("Transpose", context, perm=[2, 0, 1, 3]), tape.integers(0, 0, WIDTH))


def _linear(tape: Tape, values: str, *names: str) -> list[str]:
    """``values @ weight.T + bias`` for each of the names, in int8 where there are ranges.

    Layers named together read the same quantised values. Their products are apart: to split one would copy it.
    """
    tape.probes[names[0]] = values
    weights = [tape.weight(f"{name}.weight") for name in names]  # (out, in)
    biases = [tape.constant(tape.weight(f"{name}.bias")) for name in names]
    if tape.ranges is None:
        products = [tape.add("MatMul", values, tape.constant(weight.T)) for weight in weights]
        return [tape.add("Add", product, bias) for product, bias in zip(products, biases, strict=True)]
    found = quantise(np.concatenate(weights), tape.ranges[names[0]])
    scale, zero = tape.constant(found.input_scale), tape.constant(found.input_zero)
    smoothed = tape.add("Mul", values, tape.constant(found.input_factor))
    inputs = tape.add("QuantizeLinear", smoothed, scale, zero)
    shares = zip(np.split(found.steps, len(names), axis=1), np.split(found.step, len(names)), biases, strict=True)
    return [
        tape.add(
            "MatMulIntegerToFloat",
            inputs,
            tape.constant(steps),
            scale,
            tape.constant(step),
            zero,
            "",
            bias,
            domain=CONTRIB,
        )
        for steps, step, bias in shares
    ]


def _normalise(tape: Tape, values: str, residual: str, name: str) -> str:
    gain, bias = (tape.constant(tape.weight(f"{name}.{part}")) for part in ("weight", "bias"))
    total = tape.add("Add", values, residual)
    return tape.add("LayerNormalization", total, gain, bias, axis=-1, epsilon=EPSILON)


def _average(tape: Tape, hidden: str, mask: str, name: str | None = None) -> str:
    last, tokens = tape.integers(-1), tape.integers(0)
    kept = tape.add("Mul", hidden, tape.add("Unsqueeze", mask, last))
    total = tape.add("ReduceSum", kept, tokens, keepdims=0)  # its direction is the mean's
    return tape.add("Div", total, tape.add("ReduceL2", total, last, keepdims=1), name=name)


@dataclass(frozen=True, slots=True)
class Quantised:
    """A linear layer in int8: ``y = (u8(x * input_factor) - input_zero) * input_scale @ (steps * step)``."""

    steps: NDArray[np.int8]  # (in, out)
    step: Array  # (out,)
    input_factor: Array  # (in,)
    input_scale: np.float32
    input_zero: np.uint8


def quantise(weight: Array, ranges: ActivationRanges) -> Quantised:
    """Int8 form of ``weight`` (out by in) for inputs that stay within ``ranges``; others saturate.

    Everything is computed in fp64 by elementwise operations and maxima, so that the bytes are the same anywhere.
    """
    exact = weight.astype(np.float64)
    low, high = ranges.low.astype(np.float64), ranges.high.astype(np.float64)
    reach = np.maximum(np.maximum(-low, high), 1e-3)
    spread = reach**MIGRATION / np.maximum(np.abs(exact).max(axis=0), 1e-6) ** (1 - MIGRATION)
    spread = np.exp2(np.rint(np.log2(spread) * 8) / 8).astype(np.float32).astype(np.float64)
    bottom, top = min((low / spread).min(), 0.0), (high / spread).max()
    input_scale = np.float32((top - bottom) / 255)
    exact = exact * spread
    pairs = np.abs(exact).reshape(len(exact), -1, 2).sum(axis=2).max(axis=1)
    step = np.maximum(pairs / PAIR_LIMIT, 1e-12).astype(np.float32)
    steps = np.rint(exact / step[:, None].astype(np.float64)).astype(np.int8)
    return Quantised(
        steps=np.ascontiguousarray(steps.T),
        step=step,
        input_factor=(1 / spread).astype(np.float32),
        input_scale=input_scale,
        input_zero=np.uint8(np.clip(np.rint(-bottom / float(input_scale)), 0, 255)),
    )


def _serialise(tape: Tape, probes: bool, results: Mapping[str, list[str | int]]) -> bytes:
    for name, value in tape.probes.items() if probes else ():
        tape.add("Identity", value, name=name)
    shape = ["batch", "tokens"]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT32, shape) for name in ("ids", "mask")]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in results.items()]
    outputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in tape.probes if probes]
    graph = helper.make_graph(tape.nodes, "encoder", inputs, outputs, tape.constants)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="weir")
    return bytes(model.SerializeToString(deterministic=True))
