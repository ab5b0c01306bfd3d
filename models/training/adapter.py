"""Adapting the checkpoint: low-rank additions to every linear layer and a new classifier, trained on one device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import BertConfig, BertForTokenClassification

from models.tagger import LABELS
from models.training.tagged import IGNORED, Taught

Array = NDArray[np.float32]

_PREFIX = "bert."
_NOISE = 0.1  # the share of words about nobody that become others, in every second text: sentences are not to be learnt


@dataclass(frozen=True, slots=True)
class AdapterRecipe:
    """How to train. The shipped adapter: 2,442 steps on one H100, about two minutes."""

    rank: int = 16
    batch: int = 128
    epochs: float = 2.7
    head_rate: float = 2e-3
    adapter_rate: float = 1e-3
    decay: float = 0.01
    joined: float = 0.3  # the share of texts that are put together with one or two others
    seed: int = 0


class LowRank(nn.Module):
    """A frozen linear layer with a trained product of low rank beside it."""

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, layer.in_features) * layer.in_features**-0.5)
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, values: Tensor) -> Tensor:
        added: Tensor = self.layer(values) + (values @ self.down.T) @ self.up.T
        return added


def train_adapter(
    weights: Mapping[str, Array], config: BertConfig, texts: Sequence[Taught], recipe: AdapterRecipe
) -> dict[str, NDArray[np.float16]]:
    """The adapter's matrices and the classifier, as ``models.tagger_checkpoint.adapt`` takes them."""
    torch.manual_seed(recipe.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = _prepared(weights, config, recipe.rank).to(device)
    learnt = [p for p in model.bert.parameters() if p.requires_grad]
    rates = [recipe.head_rate, recipe.adapter_rate]
    groups = [{"params": model.classifier.parameters(), "lr": rates[0]}, {"params": learnt, "lr": rates[1]}]
    optimizer = torch.optim.AdamW(groups, weight_decay=recipe.decay)
    steps = int(len(texts) * recipe.epochs / recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, pct_start=0.06)
    loss_of = nn.CrossEntropyLoss(ignore_index=IGNORED, label_smoothing=0.02)
    drawn = np.random.default_rng(recipe.seed)
    for _ in range(steps):
        chosen = [_sample(texts, drawn, recipe, config.vocab_size) for _ in range(recipe.batch)]
        ids, mask, classes = (part.to(device) for part in _padded(chosen))
        with torch.autocast(device, dtype=torch.bfloat16):
            logits = model(ids, attention_mask=mask).logits
        loss = loss_of(logits.float().flatten(0, 1), classes.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*model.classifier.parameters(), *learnt], 1.0)
        optimizer.step()
        schedule.step()
    return _trained(model)


def _prepared(weights: Mapping[str, Array], config: BertConfig, rank: int) -> BertForTokenClassification:
    config.num_labels = 1 + 2 * len(LABELS)
    model = BertForTokenClassification(config)
    known = {f"{_PREFIX}{name}": torch.tensor(value) for name, value in weights.items() if "classifier" not in name}
    model.load_state_dict(known, strict=False)
    model.bert.requires_grad_(False)
    for name, layer in list(model.bert.named_modules()):
        if isinstance(layer, nn.Linear):
            parent, _, last = name.rpartition(".")
            setattr(model.bert.get_submodule(parent), last, LowRank(layer, rank))
    model.train()
    return model


def _sample(texts: Sequence[Taught], drawn: np.random.Generator, recipe: AdapterRecipe, vocabulary: int) -> Taught:
    one = texts[int(drawn.integers(len(texts)))]
    ids, classes = one.ids, one.classes
    if drawn.random() < recipe.joined:
        for _ in range(drawn.integers(1, 3)):
            other = texts[int(drawn.integers(len(texts)))]
            ids = np.concatenate((ids[:-1], other.ids[1:]))
            classes = np.concatenate((classes[:-1], other.classes[1:]))
    if drawn.random() < 0.5:
        ids = ids.copy()
        changed = (drawn.random(len(ids)) < _NOISE) & (classes == 0)
        ids[changed] = drawn.integers(200, vocabulary, int(changed.sum()))
    return Taught(ids, classes)


def _padded(texts: Sequence[Taught]) -> tuple[Tensor, Tensor, Tensor]:
    length = max(len(text.ids) for text in texts)
    ids = np.zeros((len(texts), length), np.int64)
    mask, classes = np.zeros_like(ids), np.full_like(ids, IGNORED)
    for row, text in enumerate(texts):
        ids[row, : len(text.ids)], mask[row, : len(text.ids)] = text.ids, 1
        classes[row, : len(text.ids)] = text.classes
    return torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(classes)


def _trained(model: BertForTokenClassification) -> dict[str, NDArray[np.float16]]:
    def stored(value: Tensor) -> NDArray[np.float16]:
        return np.ascontiguousarray(value.detach().cpu().numpy(), np.float16)

    found = {f"classifier.{name}": stored(value) for name, value in model.classifier.named_parameters()}
    for name, layer in model.bert.named_modules():
        if isinstance(layer, LowRank):
            found |= {f"{name}.down": stored(layer.down), f"{name}.up": stored(layer.up)}
    return found
