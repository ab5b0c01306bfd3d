"""Detoxify as a scorer of texts: the ``detoxify`` extra.

The library builds model and tokenizer; windows, batches and memory are Weir's, because the library's ``predict`` cuts
a text off at the model's limit and pads a batch to its longest text. Full precision on every device.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Final, TypeAlias

import numpy as np
import torch
import transformers
from detoxify.detoxify import MODEL_URLS, get_model_and_tokenizer
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from models.batches import MICRO_BATCH_TOKENS, plan_batches
from models.detoxify_checkpoint import Checkpoint, read_checkpoint
from models.recollection import Recollection, text_digest
from models.windows import CONTENT_TOKENS, TextCutter, WindowedText
from schemas.errors import Code, ConfigError, UnavailableError

Floats: TypeAlias = NDArray[np.float32]

ON_THE_HUB: Final = ("original", "unbiased", "multilingual")
CACHE_WINDOWS: Final = 16_384  # about 10 MB: a conversation sends its earlier messages again and again
GPU_BATCH_TOKENS: Final = 65_536
_ENGLISH: Final = frozenset({"en"})
_MULTILINGUAL: Final = frozenset({"en", "fr", "es", "it", "pt", "tr", "ru"})
_FRAMES: Final = 2  # [CLS] and [SEP]; some models also keep two positions for themselves


@dataclass(frozen=True, slots=True)
class WindowScores:
    """The scores of one text: ``spans`` (windows, 2) code points, ``values`` (windows, labels), 0 to 1.

    The windows cover the text; a blank text has none. The arrays are shared and read-only.
    """

    spans: NDArray[np.int32]
    values: Floats


@dataclass(frozen=True, slots=True)
class _Loaded:
    version: str
    labels: tuple[str, ...]
    network: PreTrainedModel
    cutter: TextCutter
    padding: int


class DetoxifyModel:
    """One of Detoxify's models, on the CPU or a GPU. Thread-safe after ``load``; one call computes at a time.

    Args:
        source: ``original``, ``unbiased`` or ``multilingual``, fetched once from where Detoxify publishes them; or
            the path of a checkpoint in Detoxify's format.
        folder: Where fetched checkpoints are kept.
        threads: How many threads the CPU may use; torch knows one number for the whole process.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    def __init__(self, source: str, folder: Path, *, threads: int = 1, device: str = "auto") -> None:
        self._source = source
        self._folder = folder
        self._threads = threads
        self._device = device
        self._memory: Recollection[WindowScores] = Recollection(CACHE_WINDOWS)
        self._lock = Lock()
        self._loaded: _Loaded | None = None

    @property
    def version(self) -> str:
        """``detoxify-<model>@<library>#<hash of the checkpoint>``."""
        return self._ready().version

    @property
    def labels(self) -> tuple[str, ...]:
        return self._ready().labels

    @property
    def languages(self) -> frozenset[str]:
        """What the model was trained on, as Detoxify says; a checkpoint of one's own counts as English."""
        return _MULTILINGUAL if self._source == "multilingual" else _ENGLISH

    def load(self) -> None:
        """Fetch the checkpoint if it has to be, and build the model; later calls do nothing. Takes seconds.

        Raises:
            ConfigError: ``MODEL_MISSING`` or ``MODEL_CORRUPT``, or a device that is not there.
            UnavailableError: a hub does not answer.
        """
        with self._lock:
            if self._loaded is None:
                device = _device(self._device)
                path = self._checkpoint_path()
                torch.set_num_threads(self._threads)
                self._loaded = _build(path, read_checkpoint(path), device)

    def score(self, texts: Sequence[str]) -> list[WindowScores]:
        """Scores in the order of ``texts``. Any string is legal: empty, huge, NULs, lone surrogates."""
        ready = self._ready()
        keys = [text_digest(text) for text in texts]
        scores = {key: kept for key in keys if (kept := self._memory.get(key)) is not None}
        fresh: dict[bytes, WindowedText] = {}
        for key, text in zip(keys, texts, strict=True):
            if key not in scores and key not in fresh:
                fresh[key] = ready.cutter.cut(text)
        places: dict[bytes, int] = {}
        for window in (window for cut in fresh.values() for window in cut.tokens):
            places.setdefault(window.tobytes(), len(places))
        values = self._run(ready, [np.frombuffer(tokens, np.int32) for tokens in places])
        for key, cut in fresh.items():
            found = WindowScores(cut.spans, values[[places[window.tobytes()] for window in cut.tokens]])
            found.values.flags.writeable = False
            self._memory.put(key, found, weight=max(1, len(cut.tokens)))
            scores[key] = found
        return [scores[key] for key in keys]

    def _run(self, ready: _Loaded, windows: Sequence[NDArray[np.int32]]) -> Floats:
        """``(windows, labels)``. One caller at a time: each thread of a process would bring threads of its own."""
        values = np.empty((len(windows), len(ready.labels)), np.float32)
        device = ready.network.device
        tokens = MICRO_BATCH_TOKENS if device.type == "cpu" else GPU_BATCH_TOKENS
        with self._lock, torch.inference_mode():
            for batch in plan_batches(windows, tokens, ready.padding):
                ids = torch.from_numpy(batch.ids).long().to(device)
                mask = torch.from_numpy(batch.mask).long().to(device)
                logits = ready.network(input_ids=ids, attention_mask=mask).logits[:, : len(ready.labels)]
                values[list(batch.rows)] = torch.sigmoid(logits).cpu().numpy()
        return values

    def _ready(self) -> _Loaded:
        if self._loaded is None:
            raise ConfigError("Detoxify is used before load()", field="detoxify")
        return self._loaded

    def _checkpoint_path(self) -> Path:
        if self._source not in ON_THE_HUB:
            return Path(self._source)
        url: str = MODEL_URLS[self._source]
        path = self._folder / url.rpartition("/")[2]
        if not path.is_file():
            _fetch(url, path)
        return path


def _fetch(url: str, path: Path) -> None:
    """Download a checkpoint, whose name ends with the first digits of its hash, and move it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        digest = path.stem.rpartition("-")[2]
        torch.hub.download_url_to_file(url, str(path), hash_prefix=digest, progress=False)
    except RuntimeError as error:
        raise ConfigError(f"{url} differs from its hash", code=Code.MODEL_CORRUPT, field="detoxify") from error
    except (OSError, HTTPException) as error:
        message = f"{url} cannot be fetched; put the file into {path.parent}, or set WEIR_DETOXIFY to a checkpoint"
        raise UnavailableError(message, field="detoxify") from error


def _device(wanted: str) -> torch.device:
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise ConfigError("there is no CUDA device", field="device")
    return torch.device("cuda" if there and wanted != "cpu" else "cpu")


def _build(path: Path, checkpoint: Checkpoint, device: torch.device) -> _Loaded:
    transformers.utils.logging.disable_progress_bar()
    try:
        network, tokenizer = get_model_and_tokenizer(**checkpoint.build, state_dict=dict(checkpoint.weights))
        _check(network, tokenizer, checkpoint)
        cutter = TextCutter(Tokenizer.from_str(tokenizer.backend_tokenizer.to_str()))
    except Exception as error:  # the libraries' own exceptions share no base
        raise _fault(path, checkpoint, error) from error
    return _Loaded(
        version=f"detoxify-{_name(path)}@{version('detoxify')}#{checkpoint.digest[:8]}",
        labels=checkpoint.labels,
        network=network.to(device, torch.float32).eval(),
        cutter=cutter,
        padding=int(tokenizer.pad_token_id),
    )


def _check(network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, checkpoint: Checkpoint) -> None:
    # Transformers fills weights that it does not find with random ones, and invents a vocabulary likewise.
    if network.state_dict().keys() - checkpoint.weights.keys():
        raise ValueError("weights are missing")
    if len(tokenizer) != network.config.vocab_size:
        raise ValueError("the tokenizer is another model's")
    if network.config.max_position_embeddings < CONTENT_TOKENS + 2 * _FRAMES:
        raise ValueError("the model reads too few tokens")


def _fault(path: Path, checkpoint: Checkpoint, error: Exception) -> ConfigError | UnavailableError:
    if isinstance(error, OSError) and checkpoint.folder is None:
        message = f"the hub does not answer for {checkpoint.build['model_type']}, which {path.name} is made of"
        return UnavailableError(message, field="detoxify")
    message = f"{path.name} does not fit its configuration and tokenizer"
    return ConfigError(message, code=Code.MODEL_CORRUPT, field="detoxify")


def _name(path: Path) -> str:
    """The published model's name, or the file's."""
    return next((name for name in ON_THE_HUB if MODEL_URLS[name].endswith(f"/{path.name}")), path.stem)
