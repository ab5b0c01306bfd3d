"""One training session: data in, weights and card out."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from models.encoder import TextEncoder
from models.heads import HeadWeights, calibrated, joined, sigmoid, spelt
from models.ngrams import ngram_buckets
from models.training.augmentation import Phrases
from models.training.corpus import Example, fingerprint, in_fixed_order, share_of
from models.training.evaluation import (
    area_under_curve,
    area_with_interval,
    benign_quantiles,
    calibration_error_with_interval,
    reliability,
    share_above,
    shares_by_group,
    text_scores,
)
from models.training.features import embed
from models.training.recipe import Windows, fit_platt, train, train_ngrams
from models.training.tasks import Task

Floats = NDArray[np.float32]

DEV_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Part:
    """Examples with their features."""

    examples: tuple[Example, ...]
    windows: Windows
    bags: tuple[NDArray[np.int32], ...] = ()  # n-gram buckets of every window, if the head reads them

    def truth(self, labels: Sequence[str]) -> Floats:
        """``(texts, labels)``, 0 or 1, NaN where unknown."""
        rows = [[example.labels.get(label, np.nan) for label in labels] for example in self.examples]
        return np.array(rows, np.float32)


@dataclass(frozen=True, slots=True)
class Data:
    """What is learnt from, what calibrates and chooses thresholds, and the sources nobody looked at."""

    train: Part
    dev: Part
    aside: Part
    by_hand: Part
    fingerprint: str


def gather(task: Task, folder: Path, encoder: TextEncoder, cache: Path) -> Data:
    """Read, split, augment and embed. Splits depend on a text's digest alone; augmentation on training texts alone."""
    phrases = Phrases.load()
    known = in_fixed_order(task.read(folder))
    own = [example for example in known if task.keep(example, phrases)]
    aside = [example for example in own if example.source in task.aside]
    dev = [example for example in own if example.source not in task.aside and _is_dev(example)]
    learnt = [example for example in own if example.source not in task.aside and not _is_dev(example)]
    added = task.augment(learnt, phrases, task.recipe.seed)
    learnt, dev, aside, made = ([each for each in part if task.uses(each)] for part in (learnt, dev, aside, added))
    by_hand = task.by_hand()
    used = [*learnt, *made, *dev, *aside, *by_hand]
    features = embed(encoder, [example.text for example in used], cache)
    everything = Windows(joined(features, task.inputs), features.counts)
    place = {id(example): index for index, example in enumerate(used)}

    def part(examples: Sequence[Example]) -> Part:
        read = tuple(example for example in examples if features.counts[place[id(example)]])
        windows = everything.take(np.array([place[id(example)] for example in read], np.int64))
        return Part(read, windows, _bags(encoder, read) if task.spelling else ())

    return Data(part([*learnt, *made]), part(dev), part(aside), part(by_hand), fingerprint(own))


def fit(task: Task, data: Data) -> HeadWeights:
    """Train on the training part and calibrate every label on the development part."""
    truth = data.train.truth(task.labels)
    weights = np.ones(len(truth), np.float32)
    found = train(data.train.windows, truth, weights, task.recipe)
    if task.spelling:
        learnt = task.spelling * train_ngrams(data.train.bags, data.train.windows.counts, truth[:, 0], task.recipe)
        found.output_bias[0] += learnt[-1]
        found = replace(found, ngrams=learnt[:-1])
    found = _rounded(found)
    logits = _logits(found, data.dev)
    dev = data.dev.truth(task.labels)
    for column in range(len(task.labels)):
        known = ~np.isnan(dev[:, column])
        found.slope[column], found.offset[column] = fit_platt(logits[known, column], dev[known, column])
    return _rounded(found)


def describe(task: Task, data: Data, weights: HeadWeights, encoder_version: str) -> dict[str, Any]:
    """The card: data, figures by split, benign quantiles, thresholds and limits."""
    dev = _scores(weights, data.dev)
    thresholds = _thresholds(task, data.dev, dev)
    benign = data.dev.truth(task.labels)[:, 0] == 0
    return {
        "name": task.name,
        "version": task.version,
        "labels": list(task.labels),
        "encoder": encoder_version,
        "inputs": list(task.inputs),
        "thresholds": thresholds,
        "benign_quantiles": benign_quantiles(dev[benign, 0]),
        "benign_quantiles_by_label": {
            label: benign_quantiles(dev[benign, column]) for column, label in enumerate(task.labels)
        },
        "figures": {
            "dev": _figures(task, data.dev, dev, thresholds),
            "aside": _figures(task, data.aside, _scores(weights, data.aside), thresholds) if task.aside else {},
            "each_aside": _each_aside(task, data),
            "by_hand": _by_hand(data.by_hand, _scores(weights, data.by_hand), thresholds["flag"]),
        },
        "reliability": _reliability(task, data.dev, weights),
        "data": {
            "sha256": data.fingerprint,
            "sources": dict(sorted(Counter(example.source for example in data.train.examples).items())),
            "aside": sorted(task.aside),
            "split": f"{DEV_SHARE:.0%} of the other sources, by digest of the text, are development data",
        },
        "licence": "Apache-2.0",
        "limits": list(task.limits),
    }


def _each_aside(task: Task, data: Data) -> dict[str, Any]:
    """By group of sources: how a head that has not seen them judges them, with its own calibration and thresholds."""
    found: dict[str, Any] = {}
    for together in task.each_aside:
        unseen: frozenset[str] = frozenset().union(*together.values())
        train_part, dev = (_without(part, unseen) for part in (data.train, data.dev))
        weights = fit(task, replace(data, train=train_part, dev=dev))
        thresholds = _thresholds(task, dev, _scores(weights, dev))
        found |= _judged(task, data, weights, thresholds, together)
    return found


def _judged(
    task: Task,
    data: Data,
    weights: HeadWeights,
    thresholds: dict[str, float],
    together: Mapping[str, frozenset[str]],
) -> dict[str, Any]:
    found = {}
    for name, sources in together.items():
        judged = [
            part for part in (_only(each, sources - task.twins) for each in (data.train, data.dev)) if part.examples
        ]
        if not judged:
            continue  # other data than what is shipped was trained on
        scores = np.concatenate([_scores(weights, part) for part in judged])
        truth = np.concatenate([part.truth(task.labels) for part in judged])
        found[name] = _transfer(scores[:, 0], truth[:, 0] == 1, thresholds)
    return found


def _transfer(scores: Floats, bad: NDArray[np.bool_], thresholds: dict[str, float]) -> dict[str, Any]:
    """Numbers of texts, area, and recall and false alarms at every threshold and where 5% of the benign are past."""
    figures: dict[str, Any] = {"benign": int((~bad).sum()), "positive": int(bad.sum())}
    for name, value in thresholds.items():
        figures |= {
            f"recall_{name}": share_above(scores[bad], value),
            f"false_{name}": share_above(scores[~bad], value),
        }
    if bad.any() and not bad.all():
        figures["auc"] = area_under_curve(scores, bad)
        figures["recall_at_5%"] = share_above(scores[bad], float(np.quantile(scores[~bad], 0.95)))
    return {name: round(value, 4) for name, value in figures.items() if not np.isnan(value)}


def _only(part: Part, sources: frozenset[str]) -> Part:
    return _chosen(part, [example.source in sources for example in part.examples])


def _without(part: Part, sources: frozenset[str]) -> Part:
    return _chosen(part, [example.source not in sources for example in part.examples])


def _chosen(part: Part, mask: Sequence[bool]) -> Part:
    texts = np.flatnonzero(np.array(mask, bool))
    starts = np.cumsum(part.windows.counts) - part.windows.counts
    owned = [range(starts[text], starts[text] + part.windows.counts[text]) for text in texts]
    bags = tuple(part.bags[window] for windows in owned for window in windows) if part.bags else ()
    return Part(tuple(part.examples[text] for text in texts), part.windows.take(texts), bags)


def _thresholds(task: Task, dev: Part, scores: Floats) -> dict[str, float]:
    kinds = np.array([example.kind for example in dev.examples])
    benign = dev.truth(task.labels)[:, 0] == 0
    return {
        purpose: round(float(np.quantile(scores[benign & np.isin(kinds, sorted(chosen)), 0], share)), 4)
        for purpose, (share, chosen) in task.thresholds.items()
    }


def write(task: Task, weights: HeadWeights, card: dict[str, Any], folder: Path) -> list[str]:
    """Store weights (fp16) and card; returns the lines that belong in the catalog."""
    folder.mkdir(parents=True, exist_ok=True)
    stored = folder / f"{task.name}.safetensors"
    save_file(_stored(weights), stored)
    written = folder / f"{task.name}.card.json"
    written.write_text(json.dumps(card, indent=1, sort_keys=True) + "\n", "utf-8")
    lines = []
    for path in (stored, written):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines += ["[[model.files]]", f'name = "{path.name}"', f'sha256 = "{digest}"']
        lines += [f"size_bytes = {path.stat().st_size}", ""]
    return lines


def _by_hand(part: Part, scores: Floats, flag: float) -> dict[str, Any]:
    """Per kind of sentence: how many, and the share that is flagged."""
    if not part.examples:
        return {}
    bad = np.array([example.labels["toxicity"] == 1 for example in part.examples])
    kinds = [
        f"{example.kind} ({'toxic' if toxic else 'clean'})" for example, toxic in zip(part.examples, bad, strict=True)
    ]
    return {
        "auc": asdict(area_with_interval(scores[:, 0], bad)),
        "at_flag_by_kind": shares_by_group(scores[:, 0], kinds, flag),
    }


def _reliability(task: Task, part: Part, weights: HeadWeights) -> dict[str, Any]:
    """How far the first label's probabilities are from the truth, each half calibrated on the other."""
    uncalibrated = replace(weights, slope=np.ones_like(weights.slope), offset=np.zeros_like(weights.offset))
    logits = _logits(uncalibrated, part)[:, 0]
    truth = part.truth(task.labels)[:, 0]
    half = np.array([share_of(example.text, "calibration") < 0.5 for example in part.examples])
    scores = np.empty_like(logits)
    for own in (half, ~half):
        slope, offset = fit_platt(logits[~own], truth[~own])
        scores[own] = sigmoid(logits[own] * np.float32(slope) + np.float32(offset))
    return {
        "error": asdict(calibration_error_with_interval(scores, truth == 1)),
        "bins": [asdict(each) for each in reliability(scores, truth == 1)],
    }


def _logits(weights: HeadWeights, part: Part) -> Floats:
    probabilities = np.clip(_scores(weights, part), 1e-7, 1 - 1e-7)
    return np.asarray(np.log(probabilities / (1 - probabilities)), np.float32)


def _is_dev(example: Example) -> bool:
    # Documents and their poisoned twins share a beginning: they go to the same side.
    family = example.text[:60] if example.kind in ("document", "indirect") else example.text
    return share_of(family, "split") < DEV_SHARE


def _scores(weights: HeadWeights, part: Part) -> Floats:
    spelling = None if weights.ngrams is None else spelt(weights.ngrams, part.bags)
    return text_scores(calibrated(weights, part.windows.inputs, spelling), part.windows.counts)


def _bags(encoder: TextEncoder, examples: Sequence[Example]) -> tuple[NDArray[np.int32], ...]:
    """The n-gram buckets of every window of every text, in order."""
    texts = [example.text for example in examples]
    return tuple(ngram_buckets(text[start:end]) for text in texts for start, end in encoder.cut(text).spans)


def _rounded(weights: HeadWeights) -> HeadWeights:
    """The weights as fp16 storage will give them back, so that figures are those of the shipped file."""
    return replace(weights, **{name: value.astype(np.float32) for name, value in _stored(weights).items()})


def _stored(weights: HeadWeights) -> dict[str, NDArray[np.float16]]:
    # safetensors writes a transposed array as if it were not, hence contiguous
    given = {field.name: getattr(weights, field.name) for field in fields(weights)}
    return {name: np.ascontiguousarray(value, np.float16) for name, value in given.items() if value is not None}


def _figures(task: Task, part: Part, scores: Floats, thresholds: dict[str, float]) -> dict[str, Any]:
    truth = part.truth(task.labels)
    areas = {}
    for column, label in enumerate(task.labels):
        known = ~np.isnan(truth[:, column])
        if len(np.unique(truth[known, column])) == 2:
            areas[label] = asdict(area_with_interval(scores[known, column], truth[known, column] == 1))
    bad = truth[:, 0] == 1
    groups = [f"{example.source}/{example.kind}" for example in part.examples]
    return {
        "texts": len(truth),
        "positive": int(bad.sum()),
        "auc": areas,
        "recall": {name: round(share_above(scores[bad, 0], value), 3) for name, value in thresholds.items()},
        "false_positive_rate": {
            name: round(share_above(scores[~bad, 0], value), 3) for name, value in thresholds.items()
        },
        "at_flag_by_source": shares_by_group(scores[:, 0], groups, thresholds["flag"]),
    }
