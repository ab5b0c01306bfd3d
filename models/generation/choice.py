"""The model that answers, by its name."""

from pathlib import Path
from typing import Final

from models.catalog import load_catalog
from models.generation import noop
from models.generation.generator import Device, Generator
from models.generation.sources import CatalogSource, FolderSource, HubSource, Source
from schemas.errors import Code, ConfigError

TASK: Final = "generation"


def choose_generator(model: str, directory: Path, *, device: Device = "auto", threads: int = 1) -> Generator:
    """The generator for ``noop``, a model of the catalog, a folder or a hub's name. It is not loaded yet.

    Raises:
        ConfigError: a model of the catalog that does not answer, or the `infer` extra is missing.
    """
    if model == noop.NAME:
        return noop.NoopGenerator()
    source = _source(model, directory)
    try:
        from models.generation.transformers_generator import (  # noqa: PLC0415 - an extra, and slow to import
            TransformersGenerator,
        )
    except ImportError:
        message = "this model needs torch and transformers: pip install 'weir[infer]'"
        raise ConfigError(message, code=Code.MODEL_MISSING, field=model) from None
    return TransformersGenerator(source, device=device, threads=threads)


def _source(model: str, directory: Path) -> Source:
    entry = load_catalog().get(model)
    if entry is None:
        return FolderSource(Path(model)) if Path(model).is_dir() else HubSource(model)
    if entry.task != TASK:
        raise ConfigError(f"this model is for {entry.task}, not for answers", field=model)
    return CatalogSource(entry, directory)
