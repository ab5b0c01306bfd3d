"""Fine-tuning of a whole encoder for toxicity, to be used as a model of Detoxify's (``models.detoxify_model``).

A text's labels are learnt from its first window: nearly all texts of the data have but one. Same data, seed and
number of threads on the same machine: same weights.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from models.detoxify_model import DetoxifyModel
from models.training.augmentation import Phrases, merely_swears
from models.training.corpus import FINE_LABELS, Example, in_fixed_order, read_toxicity, share_of
from models.training.evaluation import area_under_curve
from models.windows import CONTENT_TOKENS

Floats = NDArray[np.float32]

CLASSES: Final = ("toxicity", *FINE_LABELS)
ASIDE: Final = "surge"  # the source that the built-in head was not trained on either
DEV_SHARE: Final = 0.15  # by the same digests as the head's
_SORTED_BATCHES: Final = 32  # texts are sorted by length among so many batches, not all: order stays random


@dataclass(frozen=True, slots=True)
class Tuning:
    """Hyperparameters."""

    epochs: int = 1
    batch_texts: int = 32
    rate: float = 1e-4
    decay: float = 0.01
    seed: int = 20


@dataclass(frozen=True, slots=True)
class Tuned:
    """A fine-tuned classifier and its tokenizer."""

    network: PreTrainedModel = field(repr=False)
    tokenizer: PreTrainedTokenizerBase = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rows:
    """What is learnt from, what is judged, and a source that neither has."""

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    aside: tuple[Example, ...]


def choose_rows(folder: Path, limit: int) -> Rows:
    """The toxicity rows by split, at most ``limit`` of each; the choice depends on the texts alone."""
    phrases = Phrases.load()
    own = [row for row in in_fixed_order(read_toxicity(folder)) if not merely_swears(row, phrases)]
    known = [row for row in own if row.source != ASIDE]
    train = [row for row in known if share_of(row.text, "split") >= DEV_SHARE]
    dev = [row for row in known if share_of(row.text, "split") < DEV_SHARE]
    aside = [row for row in own if row.source == ASIDE]
    return Rows(tuple(train[:limit]), tuple(dev[:limit]), tuple(aside[:limit]))


def tune(encoder: Path, examples: Sequence[Example], tuning: Tuning, classes: Sequence[str] = CLASSES) -> Tuned:
    """Fine-tune the encoder in a folder (configuration, tokenizer and weights as transformers keeps them).

    A label that an example does not know costs nothing. Minutes for 10,000 texts on one core.
    """
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(tuning.seed)
        tokenizer = AutoTokenizer.from_pretrained(encoder, local_files_only=True)
        network = AutoModelForSequenceClassification.from_pretrained(
            encoder, num_labels=len(classes), local_files_only=True, dtype=torch.float32
        )
        texts = [example.text.encode("utf-8", "replace").decode() for example in examples]
        ids = tokenizer(texts, truncation=True, max_length=CONTENT_TOKENS + 2)["input_ids"]
        targets = [[example.labels.get(label, np.nan) for label in classes] for example in examples]
        _descend(Tuned(network, tokenizer), ids, np.array(targets, np.float32), tuning)
    return Tuned(network.eval(), tokenizer)


def areas(model: DetoxifyModel, examples: Sequence[Example]) -> dict[str, float]:
    """The area under the curve by label, for those of which the examples have both kinds.

    A text's score is the maximum over its windows, as in use; one without windows scores 0.
    """
    scores = np.zeros((len(examples), len(model.labels)), np.float32)
    for row, found in enumerate(model.score([example.text for example in examples])):
        scores[row] = found.values.max(axis=0, initial=0)
    result = {}
    for column, label in enumerate(model.labels):
        truth = np.array([example.labels.get(label, np.nan) for example in examples], np.float32)
        known = ~np.isnan(truth)
        if len(np.unique(truth[known])) == 2:
            result[label] = round(area_under_curve(scores[known, column], truth[known] == 1), 4)
    return result


def _descend(tuned: Tuned, ids: Sequence[Sequence[int]], targets: Floats, tuning: Tuning) -> None:
    optimiser = torch.optim.AdamW(tuned.network.parameters(), lr=tuning.rate, weight_decay=tuning.decay)
    steps = tuning.epochs * -(-len(ids) // tuning.batch_texts)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, tuning.rate, total_steps=steps)
    order = np.random.default_rng(tuning.seed)
    lengths = np.array([len(tokens) for tokens in ids])
    batches = (batch for _ in range(tuning.epochs) for batch in _batches(lengths, tuning.batch_texts, order))
    tuned.network.train()
    for step, batch in enumerate(batches, start=1):
        padded = tuned.tokenizer.pad({"input_ids": [ids[row] for row in batch]}, return_tensors="pt")
        logits = tuned.network(**padded).logits
        truth = torch.from_numpy(targets[batch])
        known = ~torch.isnan(truth)
        each = nn.functional.binary_cross_entropy_with_logits(logits, truth.nan_to_num(), reduction="none")
        optimiser.zero_grad()
        ((each * known).sum() / known.sum()).backward()  # type: ignore[no-untyped-call]  # torch has no annotation
        nn.utils.clip_grad_norm_(tuned.network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if not step % 50:
            print(f"step {step}/{steps}", file=sys.stderr)  # noqa: T201 - progress


def _batches(lengths: NDArray[np.int64], size: int, order: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Every row once, in random order, rows of like length together."""
    rows = order.permutation(len(lengths))
    for start in range(0, len(rows), size * _SORTED_BATCHES):
        block = rows[start : start + size * _SORTED_BATCHES]
        block = block[np.argsort(lengths[block], kind="stable")]
        starts = order.permutation(np.arange(0, len(block), size))
        yield from (block[at : at + size] for at in starts)
