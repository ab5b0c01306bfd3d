"""The engine that answers, by its model's name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from models.catalog import load_catalog
from models.generation import noop
from models.generation.batches import BatchEngine
from models.generation.engine import Engine
from models.generation.generator import Device
from models.generation.sources import CatalogSource, FolderSource, HubSource, Source
from schemas.errors import Code, ConfigError

TASK: Final = "generation"
Kind = Literal["continuous", "static"]

_SLOTS: Final[Mapping[str, int]] = {"cpu": 16, "cuda": 128}
"""Requests at once, by device: beyond 16 a CPU only gets slower for each."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a model is to be run. ``slots`` 0: as many as suit the device."""

    kind: Kind = "continuous"
    device: Device = "auto"
    threads: int = 1
    slots: int = 0


def choose_engine(model: str, directory: Path, wishes: Wishes) -> Engine:
    """The engine for ``noop``, a model of the catalog, a folder or a hub's name. It is not loaded yet.

    Raises:
        ConfigError: a model of the catalog that does not answer, no GPU where one is wanted, or the `infer` extra is
            missing.
    """
    if model == noop.NAME:
        return BatchEngine(noop.NoopGenerator(), wishes.slots or _SLOTS["cpu"])
    source = _source(model, directory)
    try:
        # an extra, and slow to import
        from models.generation.continuous import ContinuousEngine  # noqa: PLC0415
        from models.generation.language_model import ModelFile, choose_device  # noqa: PLC0415
        from models.generation.transformers_generator import TransformersGenerator  # noqa: PLC0415
    except ImportError:
        message = "this model needs torch and transformers: pip install 'weir[infer]'"
        raise ConfigError(message, code=Code.MODEL_MISSING, field=model) from None
    file = ModelFile(source, wishes.device, wishes.threads)
    slots = wishes.slots or _SLOTS[choose_device(wishes.device)]
    if wishes.kind == "static":
        return BatchEngine(TransformersGenerator(file), slots)
    return ContinuousEngine(file, slots)


def _source(model: str, directory: Path) -> Source:
    entry = load_catalog().get(model)
    if entry is None:
        return FolderSource(Path(model)) if Path(model).is_dir() else HubSource(model)
    if entry.task != TASK:
        raise ConfigError(f"this model is for {entry.task}, not for answers", field=model)
    return CatalogSource(entry, directory)
