"""Token by token: rows of a batch through a causal language model, each until it ends."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from transformers import DynamicCache, PreTrainedModel

from models.generation.drawing import draw, random_source
from models.generation.generator import Answer, Finish, Prompt
from models.generation.stops import before_stop
from schemas.errors import Code

_SPARE_TOKENS: Final = 8  # a stop may begin in the middle of a token


@dataclass(frozen=True, slots=True)
class Task:
    """A prompt as token ids, and how many ids its answer may have."""

    prompt: Prompt
    ids: list[int] = field(repr=False)
    limit: int


@dataclass(slots=True)
class _Row:
    """A task on its way: the ids made so far, what they are drawn with, and the answer once it has ended."""

    task: Task
    source: torch.Generator | None
    made: list[int] = field(default_factory=list, repr=False)
    answer: Answer | None = None


class Decoder:
    """Decodes with one model. ``spell`` turns ids into text, ``ends`` are the ids that end an answer.

    Rows that end leave the batch at once, so that a long answer does not keep paying for short ones.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        spell: Callable[[Sequence[int]], str],
        ends: frozenset[int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._spell = spell
        self._ends = ends
        self._clock = clock

    @torch.inference_mode()
    def run(self, tasks: Sequence[Task]) -> list[Answer]:
        """The answers, in order. Raises whatever the model raises; running again starts afresh."""
        rows = [_Row(task, random_source(task.prompt)) for task in tasks]
        inputs = self._padded(tasks)
        live = rows
        while live:
            scores = self._model(**inputs, use_cache=True, logits_to_keep=1).logits[:, -1].float()
            drawn = draw(scores, [row.task.prompt for row in live], [row.source for row in live])
            for row, token in zip(live, drawn, strict=True):
                self._advance(row, token)
            going = [place for place, row in enumerate(live) if row.answer is None]
            if going and len(going) < len(live):
                _keep(inputs, torch.tensor(going, device=self._model.device))
            live = [live[place] for place in going]
            if live:
                _step(inputs, [row.made[-1] for row in live])
        return [row.answer or Answer(code=Code.MODEL_FAILED) for row in rows]

    def _padded(self, tasks: Sequence[Task]) -> dict[str, Any]:
        """The prompts, padded on the left, so that the last column is the last token of all."""
        longest = max(len(task.ids) for task in tasks)
        ids = torch.zeros(len(tasks), longest, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for place, task in enumerate(tasks):
            ids[place, longest - len(task.ids) :] = torch.tensor(task.ids)
            mask[place, longest - len(task.ids) :] = 1
        device = self._model.device
        return {
            "input_ids": ids.to(device),
            "attention_mask": mask.to(device),
            "position_ids": (mask.cumsum(dim=1) - 1).clamp(min=0).to(device),
            "past_key_values": DynamicCache(config=self._model.config),
        }

    def _advance(self, row: _Row, token: int | None) -> None:
        """Take one token in, and end the row if that ends it."""
        if token is None:
            row.answer = Answer(code=Code.MODEL_FAILED, reason="the model made no numbers")
        elif token in self._ends:
            row.answer = self._answer(row, "stop")
        else:
            row.made.append(token)
            if self._stopped(row):
                row.answer = self._answer(row, "stop")
            elif len(row.made) >= row.task.limit:
                row.answer = self._answer(row, "length")
            elif self._clock() >= row.task.prompt.until:
                row.answer = Answer(code=Code.DEADLINE_EXCEEDED, reason="the deadline passed in the model")

    def _stopped(self, row: _Row) -> bool:
        """Whether a stop has come up. Only the end of the text is read: the rest was read before."""
        stops = row.task.prompt.stop
        if not any(stops):
            return False
        # No token is less than a byte.
        tail = max(len(stop.encode("utf-8", "surrogatepass")) for stop in stops) + _SPARE_TOKENS
        return before_stop(self._spell(row.made[-tail:]), stops) is not None

    def _answer(self, row: _Row, finish: Finish) -> Answer:
        text = self._spell(row.made)
        if finish == "length":
            text = text.rstrip("\ufffd")  # the end may be in the middle of a character
        cut = before_stop(text, row.task.prompt.stop)
        return Answer(
            text=text if cut is None else cut,
            finish_reason=finish if cut is None else "stop",
            prompt_tokens=len(row.task.ids),
            completion_tokens=len(row.made),
        )


def _step(inputs: dict[str, Any], last: Sequence[int]) -> None:
    """Put the tokens just made in place of what the model has read."""
    mask = inputs["attention_mask"]
    inputs["input_ids"] = torch.tensor(last, device=mask.device)[:, None]
    inputs["attention_mask"] = torch.cat([mask, mask.new_ones(len(last), 1)], dim=1)
    inputs["position_ids"] = inputs["position_ids"][:, -1:] + 1


def _keep(inputs: dict[str, Any], places: torch.Tensor) -> None:
    """Drop all rows but these, and what the model remembers of them."""
    for name in ("attention_mask", "position_ids"):
        inputs[name] = inputs[name][places]
    inputs["past_key_values"].batch_select_indices(places)
