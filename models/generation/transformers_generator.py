"""Any chat model that Transformers loads: the ``infer`` extra. On a CPU by default, on a GPU where there is one."""

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from models.generation.chat import ChatFormat
from models.generation.decoding import Decoder, Task
from models.generation.generator import Answer, Device, Prompt
from models.generation.grouping import Extent, group
from models.generation.halving import answer_each
from models.generation.sources import Source
from schemas.errors import Code, ConfigError, UnavailableError

_TOKENS: Final[Mapping[str, int]] = {"cpu": 32_768, "cuda": 262_144}
"""Tokens that one batch may come to, by device: of a small model each takes some 50 KB of memory."""

_CONTEXT: Final = 2048  # tokens, of a model that does not say
_FAST_BF16: Final = ("avx512_bf16", "amx_bf16", "bf16")
_INPUTS: Final = {"position_ids", "past_key_values", "logits_to_keep"}


class TransformersGenerator:
    """A causal language model with its tokenizer and its chat template, from ``source``.

    ``threads`` of the CPU; more of them than idle cores make it much slower. Half precision (bf16) where the hardware
    computes in it, full precision elsewhere.
    """

    def __init__(
        self, source: Source, *, device: Device = "auto", threads: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._wanted = device
        self._threads = threads
        self._clock = clock
        self._version = source.name
        self._context = 0
        self._tokens = 0
        self._chat: ChatFormat | None = None
        self._decoder: Decoder | None = None

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def version(self) -> str:
        return self._version

    def load(self) -> None:
        location = self._source.locate()
        device = _device(self._wanted)
        torch.set_num_threads(self._threads)
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
                raise ConfigError("the model cannot be loaded", code=Code.MODEL_CORRUPT, field=self.name) from error
            raise UnavailableError("the model cannot be fetched from the hub", field=self.name) from error
        if lacking := _INPUTS - inspect.signature(model.forward).parameters.keys():
            raise ConfigError(f"models without {min(lacking)} cannot be served", field=self.name)
        self._version = f"{location.version}-{str(dtype).removeprefix('torch.')}"
        self._tokens = _TOKENS[device]
        self._context = _context(model)
        self._chat = ChatFormat(tokenizer, self._context, tokenizer.all_special_tokens)
        self._decoder = Decoder(model, partial(_spell, tokenizer), _ends(model, tokenizer), self._clock)

    def generate(self, prompts: Sequence[Prompt]) -> list[Answer]:
        if self._decoder is None:
            raise RuntimeError("load() comes first")
        answers: dict[int, Answer] = {}
        tasks: dict[int, Task] = {}
        for index, prompt in enumerate(prompts):
            prepared = self._prepare(prompt)
            if isinstance(prepared, Task):
                tasks[index] = prepared
            else:
                answers[index] = prepared
        indexes = list(tasks)
        for places in group([Extent(len(task.ids), task.limit) for task in tasks.values()], self._tokens):
            chosen = [indexes[place] for place in places]
            made = answer_each(self._run, [tasks[index] for index in chosen])
            answers.update(zip(chosen, made, strict=True))
        return [answers[index] for index in range(len(prompts))]

    def _prepare(self, prompt: Prompt) -> Task | Answer:
        assert self._chat is not None
        try:
            ids = self._chat.encode(prompt.messages)
        except Exception as error:  # noqa: BLE001 - a template is a program of whoever made the model
            return Answer(code=Code.MODEL_FAILED, reason=type(error).__name__)
        if ids is None or len(ids) >= self._context:
            reason = f"the model reads at most {self._context} tokens"
            return Answer(code=Code.CONTEXT_TOO_LONG, reason=reason)
        return Task(prompt, ids, min(prompt.max_tokens, self._context - len(ids)))

    def _run(self, tasks: Sequence[Task]) -> list[Answer]:
        """Those that somebody still waits for, together."""
        assert self._decoder is not None
        now = self._clock()
        late = Answer(code=Code.DEADLINE_EXCEEDED, reason="the deadline passed before the model")
        wanted = [task for task in tasks if task.prompt.until > now]
        made = iter(self._decoder.run(wanted) if wanted else ())
        return [next(made) if task.prompt.until > now else late for task in tasks]


def _device(wanted: Device) -> str:
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
