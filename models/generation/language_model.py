"""A chat model that Transformers loads, with its tokenizer and its chat template: the ``infer`` extra."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from models.generation.chat import ChatFormat
from models.generation.generator import NO_JSON, Answer, Device, Prompt
from models.generation.rows import Task
from models.generation.sources import Source
from schemas.errors import Code, ConfigError, UnavailableError

_CONTEXT: Final = 2048  # tokens, of a model that does not say
_FAST_BF16: Final = ("avx512_bf16", "amx_bf16", "bf16")
_INPUTS: Final = {"position_ids", "past_key_values", "logits_to_keep"}


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A network and what turns chats into its ids, and ids into text. It reads at most ``context`` tokens."""

    network: PreTrainedModel
    chat: ChatFormat
    spell: Callable[[Sequence[int]], str]
    ends: frozenset[int]
    context: int
    version: str

    def task(self, prompt: Prompt) -> Task | Answer:
        """The prompt as ids, or the answer that says why it cannot be read. What does not fit is refused."""
        if prompt.as_json:
            return Answer(code=Code.INVALID_FIELD, reason=NO_JSON)
        try:
            ids = self.chat.encode(prompt.messages)
        except Exception as error:  # noqa: BLE001 - a template is a program of whoever made the model
            return Answer(code=Code.MODEL_FAILED, reason=type(error).__name__)
        if ids is None or len(ids) >= self.context:
            reason = f"the model reads at most {self.context} tokens"
            return Answer(code=Code.CONTEXT_TOO_LONG, reason=reason)
        return Task(prompt, ids, min(prompt.max_tokens, self.context - len(ids)))


class OpenModel(Protocol):
    """Loads a model."""

    @property
    def name(self) -> str: ...
    def __call__(self) -> LanguageModel:
        """The model. Raises ConfigError or UnavailableError."""
        ...


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model that can be loaded, from ``source``."""

    source: Source
    device: Device = "auto"
    threads: int = 1

    @property
    def name(self) -> str:
        """The source's name."""
        return self.source.name

    def __call__(self) -> LanguageModel:
        """Load it. Raises what ``load_language_model`` raises."""
        return load_language_model(self.source, self.device, self.threads)


def load_language_model(source: Source, wanted: Device, threads: int) -> LanguageModel:
    """The model of a source, ready to run: half precision (bf16) where the hardware computes in it, else full.

    ``threads`` of the CPU; more of them than idle cores make it much slower.

    Raises:
        ConfigError, UnavailableError: it cannot be had, or cannot be served.
    """
    location = source.locate()
    device = choose_device(wanted)
    torch.set_num_threads(threads)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    dtype = _dtype(device)
    try:
        tokenizer = AutoTokenizer.from_pretrained(location.where, local_files_only=location.local)
        model = AutoModelForCausalLM.from_pretrained(
            location.where, local_files_only=location.local, dtype=dtype, use_safetensors=True
        )
        model = model.to(device).eval()
    except (OSError, ValueError) as error:
        if location.local:
            raise ConfigError("the model cannot be loaded", code=Code.MODEL_CORRUPT, field=source.name) from error
        raise UnavailableError("the model cannot be fetched from the hub", field=source.name) from error
    if lacking := _INPUTS - inspect.signature(model.forward).parameters.keys():
        raise ConfigError(f"models without {min(lacking)} cannot be served", field=source.name)
    context = _context(model)
    return LanguageModel(
        network=model,
        chat=ChatFormat(tokenizer, context, tokenizer.all_special_tokens),
        spell=partial(_spell, tokenizer),
        ends=_ends(model, tokenizer),
        context=context,
        version=f"{location.version}-{str(dtype).removeprefix('torch.')}",
    )


def choose_device(wanted: Device) -> str:
    """``cuda`` or ``cpu``. Raises ConfigError: a GPU is wanted, and there is none."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError("there is no GPU that torch can use", field="device")
    return "cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu"


def _dtype(device: str) -> torch.dtype:
    if device == "cpu":
        # Older versions of torch cannot say; a CPU that computes in bf16 is then merely not used as such.
        capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        fast = any(capabilities.get(name) for name in _FAST_BF16)
    else:
        fast = torch.cuda.is_bf16_supported()
    return torch.bfloat16 if fast else torch.float32


def _context(model: PreTrainedModel) -> int:
    return int(getattr(model.config, "max_position_embeddings", None) or _CONTEXT)


def _ends(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Ids that end an answer: those that the model names, and the tokenizer's."""
    named = model.generation_config.eos_token_id if model.generation_config else None
    ends = named if isinstance(named, list) else [named]
    return frozenset(end for end in (*ends, tokenizer.eos_token_id) if end is not None)


def _spell(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=True))
