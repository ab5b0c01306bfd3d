"""Detoxify's checkpoint format: weights, classes and how the model is built, in one file of torch's.

    {"config": {"arch": {"args": {"model_type", "model_name", "tokenizer_name", "num_classes"}},
                "dataset": {"args": {"classes": [...]}}},
     "state_dict": {...}}

``model_type`` is a name on the hub, or a folder with the model's configuration and tokenizer. Where the checkpoint's
own folder holds them, they are taken from there, so that the folder may be moved.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from schemas.errors import Code, ConfigError

CONFIGURATION_FILE: Final = "config.json"

# As detoxify.detoxify.load_checkpoint renames them; it does so only while it unpickles whatever it is given.
_STANDARD_NAMES: Final = {
    "toxic": "toxicity",
    "identity_hate": "identity_attack",
    "severe_toxic": "severe_toxicity",
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that was read.

    ``build`` holds the arguments of ``detoxify.detoxify.get_model_and_tokenizer`` but for the weights. ``labels`` are
    the model's first outputs, by their standard names. ``digest`` is the SHA-256 of the file.
    """

    build: Mapping[str, Any]
    labels: tuple[str, ...]
    weights: Mapping[str, torch.Tensor] = field(repr=False)
    digest: str

    @property
    def folder(self) -> Path | None:
        """Where configuration and tokenizer are; None when they are on the hub."""
        found = Path(self.build["model_type"])
        return found if found.is_dir() else None


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a file, unpickled as plain tensors and values only.

    Raises:
        ConfigError: ``MODEL_MISSING``, or ``MODEL_CORRUPT`` for a file in another format.
    """
    if not path.is_file():
        raise ConfigError(f"there is no checkpoint {path}", code=Code.MODEL_MISSING, field="detoxify")
    try:
        with path.open("rb") as stored:
            digest = hashlib.file_digest(stored, "sha256").hexdigest()
        loaded = torch.load(path, map_location="cpu", weights_only=True)
        config = loaded["config"]
        build = dict(config["arch"]["args"])
        classes = [str(name) for name in config["dataset"]["args"]["classes"]]
        weights = {str(name): tensor for name, tensor in loaded["state_dict"].items()}
        _check(build, classes, weights)
    except Exception as error:  # the format's own exceptions share no base
        message = f"{path.name} is not a checkpoint in Detoxify's format"
        raise ConfigError(message, code=Code.MODEL_CORRUPT, field="detoxify") from error
    if (path.parent / CONFIGURATION_FILE).is_file():
        build["model_type"] = str(path.parent)
    return Checkpoint(build, tuple(_STANDARD_NAMES.get(name, name) for name in classes), weights, digest)


def write_checkpoint(
    path: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, classes: Sequence[str]
) -> None:
    """Write a checkpoint that ``Detoxify(checkpoint=...)`` loads, configuration and tokenizer beside it."""
    folder = path.parent.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    build = {
        "model_type": str(folder),
        "model_name": type(model).__name__,
        "tokenizer_name": type(tokenizer).__name__,
        "num_classes": model.config.num_labels,
    }
    config = {"arch": {"args": build}, "dataset": {"args": {"classes": list(classes)}}}
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    torch.save({"config": config, "state_dict": weights}, path)


def _check(build: Mapping[str, Any], classes: Sequence[str], weights: Mapping[str, torch.Tensor]) -> None:
    if build.keys() != {"model_type", "model_name", "tokenizer_name", "num_classes"}:
        raise ValueError("other arguments")
    if not 0 < len(set(classes)) == len(classes) <= build["num_classes"]:
        raise ValueError("classes and outputs do not fit")
    if not all(torch.isfinite(tensor).all() for tensor in weights.values()):
        raise ValueError("a weight is not finite")
