"""The encoder in full precision through torch, for GPUs: the ``infer`` extra.

Windows, batches and memory are those of ``models.encoder``; only the matrix products differ. On a GPU it runs in
bf16 with larger micro-batches, on the CPU in fp32. Its features differ a little from the int8 ones (cosine above
0.97), so its version differs too.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from transformers import BertConfig, BertModel

from models.batches import MICRO_BATCH_TOKENS
from models.catalog import find_entry
from models.encoder import CACHE_WINDOWS, TextEncoder
from models.generation.generator import Device
from models.generation.language_model import choose_device
from models.onnx_engine import TOKENIZER_FILE
from models.pooled import INNER_LAYERS, WIDTH, Pooled
from models.store import require
from schemas.errors import Code, ConfigError

MODEL = "minilm-l6-full"
WEIGHTS_FILE = "model.safetensors"
GPU_BATCH_TOKENS = 65_536


class TorchEngine:
    """Runs ``BertModel`` on ``device``. Thread-safe after ``load``."""

    def __init__(self, directory: Path, device: str) -> None:
        self._directory = directory
        self._entry = find_entry(MODEL)
        self._device = torch.device(device)
        self._dtype = torch.float32 if self._device.type == "cpu" else torch.bfloat16
        self._model: BertModel | None = None

    @property
    def version(self) -> str:
        return f"{self._entry.version_of(WEIGHTS_FILE)}-{str(self._dtype).removeprefix('torch.')}"

    @property
    def dim(self) -> int:
        return WIDTH

    @property
    def tokenizer_file(self) -> Path:
        return self._entry.folder(self._directory) / TOKENIZER_FILE

    def load(self) -> None:
        """Verify the files and move the model to its device. Raises ConfigError."""
        folder = require(self._entry, self._directory)
        model = BertModel(BertConfig.from_json_file(folder / "config.json"), add_pooling_layer=False)
        # The file also holds a pooler and position ids, which are not used; nothing of ours may be missing from it.
        if model.load_state_dict(load_file(folder / WEIGHTS_FILE), strict=False).missing_keys:
            raise ConfigError(f"{WEIGHTS_FILE} lacks weights", code=Code.MODEL_CORRUPT, field=MODEL)
        self._model = model.to(self._device, self._dtype).eval()

    def run(self, ids: NDArray[np.int32], mask: NDArray[np.int32]) -> Pooled:
        if self._model is None:
            raise ConfigError("the encoder is used before load()", field=MODEL)
        with torch.inference_mode():
            tokens = torch.from_numpy(ids).long().to(self._device)
            kept = torch.from_numpy(mask).long().to(self._device)
            found = self._model(input_ids=tokens, attention_mask=kept, output_hidden_states=True)
            absent = ~kept[:, :, None].bool()
            last = found.last_hidden_state.float()
            inner = [_average(found.hidden_states[layer + 1], absent) for layer in INNER_LAYERS]  # 0 is the embedding
            peak = last.masked_fill(absent, -torch.inf).amax(dim=1)
            vectors = (_average(last, absent), peak, torch.cat(inner, dim=1))
            return Pooled(*(vector.cpu().numpy() for vector in vectors))


def _average(hidden: torch.Tensor, absent: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(hidden.float().masked_fill(absent, 0).sum(dim=1), dim=-1)


class TorchEncoder(TextEncoder):
    """The encoder on ``device``: bf16 on a GPU, fp32 on the CPU, 384 dimensions.

    Raises ConfigError: ``cuda`` is wanted, and there is none.
    """

    def __init__(self, directory: Path, *, device: Device = "auto", cache_windows: int = CACHE_WINDOWS) -> None:
        chosen = choose_device(device)
        tokens = GPU_BATCH_TOKENS if chosen == "cuda" else MICRO_BATCH_TOKENS
        super().__init__(TorchEngine(directory, chosen), cache_windows=cache_windows, batch_tokens=tokens)
