"""The training of a head: a perceptron with one hidden layer on frozen features, labelled by text.

A text's logit is the maximum over its windows, in training as in use, so no window needs a label of its own.
Torch is used here only; a trained head is evaluated with numpy (``models.heads``). Same data and seed on the same
machine: same weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.heads import HeadWeights
from models.ngrams import BUCKETS

Floats = NDArray[np.float32]

NGRAM_EPOCHS: Final = 5
NGRAM_RATE: Final = 2e-2
NGRAM_DECAY: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hyperparameters; the defaults were chosen on development data, by sources kept aside.

    ``members`` perceptrons of ``hidden`` units each, from different starts, speak with one voice: the mean of their
    logits. It steadies what otherwise the last bits of a sum decide.
    """

    hidden: int = 128
    members: int = 1
    dropout: float = 0.2
    epochs: int = 6
    batch_texts: int = 512
    rate: float = 2e-3
    decay: float = 1e-4
    seed: int = 20


@dataclass(frozen=True, slots=True)
class Windows:
    """Features of texts: ``inputs`` (windows, dim), of which text i owns ``counts[i]``, in order."""

    inputs: Floats
    counts: NDArray[np.int64]

    def take(self, texts: NDArray[np.int64]) -> "Windows":
        """The windows of some texts, in the order given."""
        starts = np.cumsum(self.counts) - self.counts
        counts = self.counts[texts]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return Windows(self.inputs[np.repeat(starts[texts], counts) + within], counts)


def train(windows: Windows, targets: Floats, weights: Floats, recipe: Recipe) -> HeadWeights:
    """An uncalibrated head.

    Args:
        windows: Every text has at least one window.
        targets: ``(texts, labels)``, 0 or 1; NaN where unknown, which costs nothing.
        weights: ``(texts,)``, how much a text counts.
        recipe: Hyperparameters.
    """
    centre, spread = windows.inputs.mean(axis=0), windows.inputs.std(axis=0)
    scale = 1 / np.maximum(spread, 0.05 * np.median(spread))  # an almost constant input stays small
    standard = Windows((windows.inputs - centre) * scale, windows.counts)
    members = [
        _member(standard, targets, weights, replace(recipe, seed=recipe.seed + member))
        for member in range(recipe.members)
    ]
    labels = targets.shape[1]
    return HeadWeights(
        centre=centre,
        scale=scale,
        hidden=np.concatenate([member.hidden for member in members], axis=1),
        hidden_bias=np.concatenate([member.hidden_bias for member in members]),
        output=np.asarray(np.concatenate([member.output for member in members]) / len(members), np.float32),
        output_bias=np.mean([member.output_bias for member in members], axis=0),
        slope=np.ones(labels, np.float32),
        offset=np.zeros(labels, np.float32),
    )


@dataclass(frozen=True, slots=True)
class _Member:
    """One perceptron's arrays, as in ``HeadWeights``."""

    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats


def _member(standard: Windows, targets: Floats, weights: Floats, recipe: Recipe) -> _Member:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        hidden = nn.Linear(standard.inputs.shape[1], recipe.hidden)
        output = nn.Linear(recipe.hidden, targets.shape[1])
        model = nn.Sequential(hidden, nn.GELU(approximate="tanh"), nn.Dropout(recipe.dropout), output)
        _descend(model, standard, targets, weights, recipe)
    return _Member(
        hidden=hidden.weight.detach().numpy().T.copy(),
        hidden_bias=hidden.bias.detach().numpy().copy(),
        output=output.weight.detach().numpy().T.copy(),
        output_bias=output.bias.detach().numpy().copy(),
    )


def train_ngrams(
    bags: Sequence[NDArray[np.int32]], counts: NDArray[np.int64], targets: Floats, recipe: Recipe
) -> Floats:
    """Weights of the n-gram buckets and, behind them, a constant: ``(buckets + 1,)``. Logistic regression.

    Args:
        bags: The buckets of every window, of which text i owns ``counts[i]``, in order.
        counts: Every text has at least one window.
        targets: ``(texts,)``, 0 or 1.
        recipe: Seed and batches are the head's.
    """
    order, starts = np.random.default_rng(recipe.seed), np.cumsum(counts) - counts
    model = _Spelling()
    optimiser = torch.optim.AdamW(model.parameters(), lr=NGRAM_RATE, weight_decay=NGRAM_DECAY)
    batches = -(-len(counts) // recipe.batch_texts)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, NGRAM_RATE, total_steps=batches * NGRAM_EPOCHS)
    for _ in range(NGRAM_EPOCHS):
        for chosen in np.array_split(order.permutation(len(counts)), batches):
            windows = [bag for text in chosen for bag in bags[starts[text] : starts[text] + counts[text]]]
            logits = _highest(model(windows)[:, None], counts[chosen])[:, 0]
            loss = nn.functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(targets[chosen]))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch has no annotation here
            optimiser.step()
            schedule.step()
    learnt = torch.cat((model.table.weight[:, 0], model.constant)).detach().numpy()
    return np.asarray(learnt, np.float32)


class _Spelling(nn.Module):
    """The sum over a window's buckets by the root of their number, and a constant; all begins at 0."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.EmbeddingBag(BUCKETS, 1, mode="sum", _weight=torch.zeros(BUCKETS, 1))
        self.constant = nn.Parameter(torch.zeros(1))

    def forward(self, windows: Sequence[NDArray[np.int32]]) -> torch.Tensor:
        lengths = np.array([len(bag) for bag in windows])
        shares = np.repeat(1 / np.sqrt(np.maximum(lengths, 1)), lengths).astype(np.float32)
        buckets = torch.from_numpy(np.concatenate(windows).astype(np.int64))
        offsets = torch.from_numpy(np.cumsum(lengths) - lengths)
        sums: torch.Tensor = self.table(buckets, offsets, per_sample_weights=torch.from_numpy(shares))
        return sums[:, 0] + self.constant


def fit_platt(logits: Floats, targets: Floats) -> tuple[float, float]:
    """Slope and offset that make ``sigmoid(slope * logit + offset)`` a probability (Platt, 1999).

    The slope is kept positive, so that the order of scores, and their maximum over windows, stays.
    """
    values = torch.from_numpy(logits.astype(np.float64))
    truth = torch.from_numpy(targets.astype(np.float64))
    parameters = torch.zeros(2, dtype=torch.float64, requires_grad=True)  # log slope, offset
    optimiser = torch.optim.LBFGS([parameters], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        found = nn.functional.binary_cross_entropy_with_logits(values * parameters[0].exp() + parameters[1], truth)
        found.backward()  # type: ignore[no-untyped-call]  # torch has no annotation here
        return found

    optimiser.step(loss)  # type: ignore[no-untyped-call]  # likewise
    slope, offset = parameters.detach().tolist()
    return float(np.exp(slope)), float(offset)


def _descend(model: nn.Module, windows: Windows, targets: Floats, weights: Floats, recipe: Recipe) -> None:
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    texts = len(targets)
    batches = -(-texts // recipe.batch_texts)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=batches * recipe.epochs)
    order = np.random.default_rng(recipe.seed)
    model.train()
    for _ in range(recipe.epochs):
        for chosen in np.array_split(order.permutation(texts), batches):
            logits = _text_logits(model, windows.take(chosen))
            truth = torch.from_numpy(targets[chosen])
            known = ~torch.isnan(truth)
            each = nn.functional.binary_cross_entropy_with_logits(logits, truth.nan_to_num(), reduction="none")
            share = known * torch.from_numpy(weights[chosen])[:, None]
            optimiser.zero_grad()
            ((each * share).sum() / share.sum()).backward()  # type: ignore[no-untyped-call]  # torch has no annotation
            optimiser.step()
            schedule.step()
    model.eval()


def _text_logits(model: nn.Module, windows: Windows) -> torch.Tensor:
    return _highest(model(torch.from_numpy(windows.inputs)), windows.counts)


def _highest(logits: torch.Tensor, counts: NDArray[np.int64]) -> torch.Tensor:
    """The maximum over each text's windows: ``(windows, labels)`` to ``(texts, labels)``."""
    owner = torch.from_numpy(np.repeat(np.arange(len(counts)), counts))
    empty = torch.full((len(counts), logits.shape[1]), -torch.inf)
    return empty.scatter_reduce(0, owner[:, None].expand_as(logits), logits, "amax")
