"""A head from labelled texts, in one call: what ``weir models train`` and ``python -m models.training`` do."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from models.encoder import OnnxEncoder
from models.training.session import describe, fit, gather, write
from models.training.tasks import TASKS
from schemas.errors import ConfigError


@dataclass(frozen=True, slots=True)
class TrainedHead:
    """The files that were written, and the lines that name them in a catalog."""

    weights: Path
    card: Path
    catalog_lines: tuple[str, ...]


def train_head(  # noqa: PLR0913 - each is a choice of the caller's, and only two have a default
    name: str, data: Path, models: Path, out: Path, features: Path, *, seed: int | None = None, threads: int = 1
) -> TrainedHead:
    """Train the head ``name`` on the data of a folder; same data and seed, same weights.

    Features of texts are kept in ``features`` and read from there by later runs.

    Raises:
        ConfigError: a name that is no head's, data that is not there, or an encoder that is not.
    """
    if name not in TASKS:
        raise ConfigError(f"what can be trained: {', '.join(sorted(TASKS))}", field=name)
    task = TASKS[name]
    if seed is not None:
        task = replace(task, recipe=replace(task.recipe, seed=seed))
    torch.set_num_threads(threads)  # sums of more threads differ in their last bits, and with them the weights
    encoder = OnnxEncoder(models, threads=threads, cache_windows=0)
    encoder.load()
    gathered = gather(task, data, encoder, features)
    weights = fit(task, gathered)
    lines = write(task, weights, describe(task, gathered, weights, encoder.version), out)
    return TrainedHead(out / f"{task.name}.safetensors", out / f"{task.name}.card.json", tuple(lines))
