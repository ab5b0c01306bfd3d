"""The training of a head: a perceptron with one hidden layer on frozen features, labelled by text.

A text's logit is the maximum over its windows, in training as in use, so no window needs a label of its own.
Torch is used here only; a trained head is evaluated with numpy (``models.heads``). Same data and seed on the same
machine: same weights.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.heads import HeadWeights

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hyperparameters; the defaults were chosen on development data, by sources kept aside."""

    hidden: int = 128
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
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        hidden = nn.Linear(windows.inputs.shape[1], recipe.hidden)
        output = nn.Linear(recipe.hidden, targets.shape[1])
        model = nn.Sequential(hidden, nn.GELU(approximate="tanh"), nn.Dropout(recipe.dropout), output)
        standard = Windows((windows.inputs - centre) * scale, windows.counts)
        _descend(model, standard, targets, weights, recipe)
    labels = targets.shape[1]
    return HeadWeights(
        centre=centre,
        scale=scale,
        hidden=hidden.weight.detach().numpy().T.copy(),
        hidden_bias=hidden.bias.detach().numpy().copy(),
        output=output.weight.detach().numpy().T.copy(),
        output_bias=output.bias.detach().numpy().copy(),
        slope=np.ones(labels, np.float32),
        offset=np.zeros(labels, np.float32),
    )


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
    logits: torch.Tensor = model(torch.from_numpy(windows.inputs))
    owner = torch.from_numpy(np.repeat(np.arange(len(windows.counts)), windows.counts))
    empty = torch.full((len(windows.counts), logits.shape[1]), -torch.inf)
    return empty.scatter_reduce(0, owner[:, None].expand_as(logits), logits, "amax")
