"""Static batches through a model of Transformers: what is asked together begins together."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from models.generation.decoding import Decoder
from models.generation.generator import Answer, Prompt
from models.generation.grouping import Extent, group
from models.generation.halving import answer_each
from models.generation.language_model import LanguageModel, OpenModel
from models.generation.rows import Endings, Task
from models.generation.voice import Tell
from schemas.errors import Code

_TOKENS: Final[Mapping[str, int]] = {"cpu": 32_768, "cuda": 262_144}
"""Tokens that one batch may come to, by device: of a small model each takes some 50 KB of memory."""


class TransformersGenerator:
    """The model that ``open_model`` loads, in static batches."""

    def __init__(self, open_model: OpenModel, clock: Callable[[], float] = time.monotonic) -> None:
        self._open = open_model
        self._clock = clock
        self._model: LanguageModel | None = None
        self._decoder: Decoder | None = None

    @property
    def name(self) -> str:
        return self._open.name

    @property
    def version(self) -> str:
        return self._model.version if self._model else self.name

    def load(self) -> None:
        self._model = self._open()
        self._decoder = Decoder(self._model.network, Endings(self._model.spell, self._model.ends, self._clock))

    def generate(self, prompts: Sequence[Prompt], tells: Sequence[Tell | None] = ()) -> list[Answer]:
        if self._model is None:
            raise RuntimeError("load() comes first")
        answers: dict[int, Answer] = {}
        tasks: dict[int, Task] = {}
        for index, prompt in enumerate(prompts):
            prepared = self._model.task(prompt)
            if isinstance(prepared, Task):
                tasks[index] = prepared
            else:
                answers[index] = prepared
        indexes = list(tasks)
        tokens = _TOKENS[self._model.network.device.type]
        for places in group([Extent(len(task.ids), task.limit) for task in tasks.values()], tokens):
            chosen = [indexes[place] for place in places]
            made = answer_each(self._run, [(tasks[index], tells[index] if tells else None) for index in chosen])
            answers.update(zip(chosen, made, strict=True))
        return [answers[index] for index in range(len(prompts))]

    def _run(self, asked: Sequence[tuple[Task, Tell | None]]) -> list[Answer]:
        """Those that somebody still waits for, together."""
        assert self._decoder is not None
        now = self._clock()
        late = Answer(code=Code.DEADLINE_EXCEEDED, reason="the deadline passed before the model")
        wanted = [(task, tell) for task, tell in asked if task.prompt.until > now]
        tasks, tells = [task for task, _ in wanted], [tell for _, tell in wanted]
        made = iter(self._decoder.run(tasks, tells) if wanted else ())
        return [next(made) if task.prompt.until > now else late for task, _ in asked]
