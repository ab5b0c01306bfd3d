"""Token by token: rows of a batch through a causal language model, each until it ends."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache, PreTrainedModel

from models.generation.drawing import draw, random_source
from models.generation.generator import Answer
from models.generation.rows import Endings, Row, Task
from models.generation.voice import Tell, Voice
from schemas.errors import Code


class Decoder:
    """Decodes with one model. Rows that end leave the batch at once: a long answer does not keep paying for them."""

    def __init__(self, model: PreTrainedModel, endings: Endings) -> None:
        self._model = model
        self._endings = endings

    @torch.inference_mode()
    def run(self, tasks: Sequence[Task], tells: Sequence[Tell | None]) -> list[Answer]:
        """The answers, in order, told as they come. Raises whatever the model raises; running again starts afresh."""
        rows = [
            Row(task, random_source(task.prompt), None if tell is None else Voice(tell, task.prompt.stop))
            for task, tell in zip(tasks, tells, strict=True)
        ]
        inputs = self._padded(tasks)
        live = rows
        while live:
            scores = self._model(**inputs, use_cache=True, logits_to_keep=1).logits[:, -1].float()
            drawn = draw(scores, [row.task.prompt for row in live], [row.source for row in live])
            for row, token in zip(live, drawn, strict=True):
                self._endings.advance(row, token)
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
