"""Small trained classifiers on the encoder's features, evaluated with numpy alone.

A head is a perceptron with one hidden layer: inputs (of ``mean``, ``peak`` and ``inner`` those that the card names),
standardised, GELU, one logit a label, to which the window's character n-grams (``models.ngrams``) may add, then Platt
scaling by label (``sigmoid(slope * logit + offset)``).
Beside the weights lies a card, JSON, with the data, figures, benign quantiles and recommended thresholds.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from models.catalog import ModelEntry, find_entry
from models.ngrams import ngram_buckets
from models.pooled import WIDTHS
from models.store import require
from schemas.errors import Code, ConfigError

Floats: TypeAlias = NDArray[np.float32]

TOXICITY = "toxicity-head"
INJECTION = "injection-head"
INDIRECT = "indirect-injection-head"


class Vectors(Protocol):
    """The encoder's vectors: ``(windows, dim)`` each."""

    @property
    def mean(self) -> NDArray[np.floating]: ...
    @property
    def peak(self) -> NDArray[np.floating]: ...
    @property
    def inner(self) -> NDArray[np.floating]: ...


class Pooled(Vectors, Protocol):
    """What a head reads of a text's features: the vectors, and ``spans`` (windows, 2), code points."""

    @property
    def spans(self) -> NDArray[np.int32]: ...


@dataclass(frozen=True, slots=True)
class HeadWeights:
    """The arrays of a head.

    Standardisation ``centre`` and ``scale`` (in,), ``hidden`` (in, hidden), ``output`` (hidden, labels), and the
    calibration ``slope`` and ``offset`` (labels,). ``ngrams`` (buckets,) adds to the logit of the first label.
    """

    centre: Floats
    scale: Floats
    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats
    slope: Floats
    offset: Floats
    ngrams: Floats | None = None


@dataclass(frozen=True, slots=True)
class MlpHead:
    """A loaded head. Immutable and thread-safe.

    ``thresholds`` are the card's recommendations by purpose, such as ``flag``; see ``docs/models.md``.
    """

    version: str
    labels: tuple[str, ...]
    inputs: tuple[str, ...]
    thresholds: Mapping[str, float]
    weights: HeadWeights = field(repr=False)

    def predict(self, features: Pooled, text: str) -> Floats:
        """Probabilities ``(windows, labels)``, each 0 to 1, for the features of a text. No windows give no rows."""
        inputs = joined(features, self.inputs)
        if self.weights.ngrams is None:
            return calibrated(self.weights, inputs)
        bags = [ngram_buckets(text[start:end]) for start, end in features.spans]
        return calibrated(self.weights, inputs, spelt(self.weights.ngrams, bags))


def joined(features: Vectors, inputs: Sequence[str]) -> Floats:
    """The vectors named by ``inputs`` (``mean``, ``peak``, ``inner``) side by side: ``(windows, in)``."""
    known = {"mean": features.mean, "peak": features.peak, "inner": features.inner}
    return np.concatenate([known[name] for name in inputs], axis=1, dtype=np.float32)


def spelt(ngrams: Floats, bags: Sequence[NDArray[np.int32]]) -> Floats:
    """What n-grams say of windows, ``(rows,)``: the sum over a window's buckets by the root of their number."""
    return np.array([ngrams[bag].sum() / max(len(bag), 1) ** 0.5 for bag in bags], np.float32)


def calibrated(weights: HeadWeights, inputs: Floats, spelling: Floats | None = None) -> Floats:
    """Probabilities ``(rows, labels)`` for inputs ``(rows, in)`` and what the n-grams say of them, ``(rows,)``."""
    # Row by row sums: BLAS would choose its kernel, and with it the last bit, by the number of rows.
    standard = (inputs - weights.centre) * weights.scale
    hidden = gelu(np.einsum("ri,ih->rh", standard, weights.hidden) + weights.hidden_bias)
    logits = np.einsum("rh,hl->rl", hidden, weights.output) + weights.output_bias
    if spelling is not None:
        logits[:, 0] += spelling
    return sigmoid(logits * weights.slope + weights.offset)


def gelu(values: Floats) -> Floats:
    """The tanh form of GELU (arXiv 1606.08415), the one the heads were trained with."""
    inner = np.float32(0.7978845608) * (values + np.float32(0.044715) * values * values * values)
    return np.asarray(np.float32(0.5) * values * (1 + np.tanh(inner)), np.float32)


def sigmoid(values: Floats) -> Floats:
    """The logistic function, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), np.float32)


def load_head(path: Path) -> MlpHead:
    """The head in ``path`` (``NAME.safetensors``, with ``NAME.card.json`` beside it).

    Raises ConfigError: MODEL_MISSING when a file is not there, MODEL_CORRUPT when it cannot be read.
    """
    card_path = path.with_suffix("").with_suffix(".card.json")
    for file in (path, card_path):
        if not file.is_file():
            raise ConfigError(f"{file.name} is not there", code=Code.MODEL_MISSING, field=path.stem)
    try:
        weights = _finite({name: value.astype(np.float32) for name, value in load_file(path).items()})
        card = json.loads(card_path.read_text("utf-8"))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
        return MlpHead(
            version=f"{card['name']}@{card['version']}#{digest}",
            labels=tuple(card["labels"]),
            inputs=_known(card["inputs"]),
            thresholds=card["thresholds"],
            weights=weights,
        )
    except Exception as error:  # the format's own exceptions share no base
        raise ConfigError(f"{path.name} is not a head", code=Code.MODEL_CORRUPT, field=path.stem) from error


def _known(inputs: Sequence[str]) -> tuple[str, ...]:
    if not inputs or not set(inputs) <= WIDTHS.keys():
        raise ValueError("an input that no encoder has")
    return tuple(inputs)


def _finite(stored: Mapping[str, Floats]) -> HeadWeights:
    if not all(np.isfinite(value).all() for value in stored.values()):
        raise ValueError("a weight is not finite")
    return HeadWeights(**stored)


def load_packaged_head(name: str) -> MlpHead:
    """A head that comes with this distribution, its files verified against the catalog. Raises ConfigError."""
    entry: ModelEntry = find_entry(name)
    return load_head(require(entry, entry.folder(Path())) / f"{name}.safetensors")
