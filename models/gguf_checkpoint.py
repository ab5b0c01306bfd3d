"""A Llama checkpoint from a GGUF file: the same model in the files that Transformers reads.

Only numpy and the GGUF reader take part, and every step is elementwise, so that the bytes are the same wherever they
are made and can be pinned by their hash. (Transformers reads GGUF itself, but what it saves changes with its version.)
Weights become fp16: a 4-bit weight is a product and a sum of fp16 numbers, and the rounding is a hundred times finer
than the steps that it was quantised in.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import gguf
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from schemas.errors import Code, ConfigError

WEIGHTS_FILE: Final = "model.safetensors"

_CONTROL: Final = 3  # the token type of what stands for no text
_OUTSIDE: Final = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_INSIDE: Final = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


class GgufCheckpoint:
    """The GGUF file at ``path``, which must hold a Llama with a byte-level BPE vocabulary."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: gguf.GGUFReader | None = None

    def open(self) -> None:
        """Read the header. Raises ConfigError: it is another kind of model."""
        self._reader = gguf.GGUFReader(self._path)
        kind = (self._field("general.architecture"), self._field("tokenizer.ggml.pre"))
        if kind != ("llama", "smollm"):
            raise ConfigError("only SmolLM2 can be converted", code=Code.MODEL_CORRUPT, field=self._path.name)

    def file(self, name: str) -> bytes:
        """The content of one file of the checkpoint. Raises ConfigError: it has no such file."""
        makers: Mapping[str, Callable[[], bytes]] = {
            WEIGHTS_FILE: self._weights,
            "config.json": partial(_json, self._config),
            "tokenizer.json": partial(_json, self._tokenizer),
            "tokenizer_config.json": partial(_json, self._tokenizer_config),
        }
        if name not in makers:
            raise ConfigError("a checkpoint has no such file", field=name)
        return makers[name]()

    def _weights(self) -> bytes:
        heads = {
            "attn_q": self._field("llama.attention.head_count"),
            "attn_k": self._field("llama.attention.head_count_kv"),
        }
        made: dict[str, NDArray[np.float16]] = {}
        for tensor in self._opened.tensors:
            values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            part = tensor.name.removesuffix(".weight").rpartition(".")[2]
            if part in heads:
                values = _interleaved(values, heads[part])
            made[_name(tensor.name)] = np.ascontiguousarray(values.astype(np.float16))
        return save(made, {"format": "pt"})

    def _config(self) -> dict[str, Any]:
        width, heads = self._field("llama.embedding_length"), self._field("llama.attention.head_count")
        return {
            "architectures": ["LlamaForCausalLM"],
            "attention_bias": False,
            "bos_token_id": self._field("tokenizer.ggml.bos_token_id"),
            "eos_token_id": self._field("tokenizer.ggml.eos_token_id"),
            "head_dim": width // heads,
            "hidden_act": "silu",
            "hidden_size": width,
            "intermediate_size": self._field("llama.feed_forward_length"),
            "max_position_embeddings": self._field("llama.context_length"),
            "mlp_bias": False,
            "model_type": "llama",
            "num_attention_heads": heads,
            "num_hidden_layers": self._field("llama.block_count"),
            "num_key_value_heads": self._field("llama.attention.head_count_kv"),
            "pad_token_id": self._field("tokenizer.ggml.padding_token_id"),
            "rms_norm_eps": 1e-05,  # the file holds it in single precision
            "rope_theta": self._field("llama.rope.freq_base"),
            "tie_word_embeddings": "output.weight" not in {tensor.name for tensor in self._opened.tensors},
            "torch_dtype": "float16",
            "vocab_size": self._field("llama.vocab_size"),
        }

    def _tokenizer(self) -> dict[str, Any]:
        """The vocabulary as the Tokenizers library reads it: digits one by one, then byte-level BPE."""
        tokens, types = self._field("tokenizer.ggml.tokens"), self._field("tokenizer.ggml.token_type")
        digits = {"type": "Digits", "individual_digits": True}
        bytes_ = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [
                {"id": index, "content": token, **flags}
                for index, (token, kind) in enumerate(zip(tokens, types, strict=True))
                if kind == _CONTROL
            ],
            "normalizer": None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, bytes_]},
            "post_processor": None,
            "decoder": {**bytes_, "add_prefix_space": True},
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": False,
                "vocab": {token: index for index, token in enumerate(tokens)},
                "merges": [merge.split(" ") for merge in self._field("tokenizer.ggml.merges")],
            },
        }

    def _tokenizer_config(self) -> dict[str, Any]:
        tokens = self._field("tokenizer.ggml.tokens")
        roles = {"bos_token": "bos", "eos_token": "eos", "pad_token": "padding", "unk_token": "unknown"}
        return {
            **{name: tokens[self._field(f"tokenizer.ggml.{role}_token_id")] for name, role in roles.items()},
            "add_prefix_space": False,
            "chat_template": self._field("tokenizer.chat_template"),
            "clean_up_tokenization_spaces": False,
            "model_max_length": self._field("llama.context_length"),
            "tokenizer_class": "PreTrainedTokenizerFast",
        }

    @property
    def _opened(self) -> gguf.GGUFReader:
        if self._reader is None:
            raise RuntimeError("open() comes first")
        return self._reader

    def _field(self, name: str) -> Any:  # noqa: ANN401 - a GGUF field is of whatever type the file says
        field = self._opened.get_field(name)
        if field is None:
            raise ConfigError("the file lacks a field", code=Code.MODEL_CORRUPT, field=name)
        return field.contents()


def _name(name: str) -> str:
    """``blk.3.attn_q.weight`` as ``model.layers.3.self_attn.q_proj.weight``."""
    stem = name.removesuffix(".weight")
    if stem in _OUTSIDE:
        return f"{_OUTSIDE[stem]}.weight"
    _, layer, part = stem.split(".")
    return f"model.layers.{layer}.{_INSIDE[part]}.weight"


def _interleaved(values: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows in the order of the original checkpoint: GGUF keeps the two halves that a rotation mixes side by side."""
    pairs = values.reshape(heads, -1, 2, values.shape[1])
    return pairs.swapaxes(1, 2).reshape(values.shape)


def _json(make: Callable[[], dict[str, Any]]) -> bytes:
    return json.dumps(make(), ensure_ascii=False, indent=1).encode() + b"\n"
