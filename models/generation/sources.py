"""Where a model that answers comes from: the catalog, a folder, or a hub."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from models.catalog import ModelEntry
from models.store import require
from schemas.errors import Code, ConfigError

_WEIGHTS_FILE: Final = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Location:
    """A folder, or with ``local`` false the name on a hub."""

    where: str
    local: bool
    version: str


class Source(Protocol):
    """One model, not loaded yet."""

    @property
    def name(self) -> str: ...
    def locate(self) -> Location:
        """Where its files are. Raises ConfigError: they are missing or not what they should be."""
        ...


@dataclass(frozen=True, slots=True)
class CatalogSource:
    """A model of the catalog; every file of it is checked."""

    entry: ModelEntry
    directory: Path

    @property
    def name(self) -> str:
        return self.entry.name

    def locate(self) -> Location:
        folder = require(self.entry, self.directory)
        return Location(str(folder), local=True, version=self.entry.version_of(_WEIGHTS_FILE))


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder in Transformers' own layout, named like the folder."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    def locate(self) -> Location:
        if not (self.folder / "config.json").is_file():
            raise ConfigError("the folder has no config.json", code=Code.MODEL_MISSING, field=str(self.folder))
        return Location(str(self.folder), local=True, version=f"{self.name}@folder")


@dataclass(frozen=True, slots=True)
class HubSource:
    """A model by its name on the Hugging Face hub, fetched when first used."""

    name: str

    def locate(self) -> Location:
        return Location(self.name, local=False, version=f"{self.name}@hub")
