"""Static batches behind the engine's protocol: what waits when the last batch has ended is the next one."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from models.generation.engine import Capacity, Done
from models.generation.generator import Answer, Generator, Prompt
from models.generation.halving import answer_each
from models.generation.voice import Tell
from schemas.errors import Code

TOKENS: Final = 32_768
"""What a batch comes to; a generator splits what is more."""


class BatchEngine:
    """Asks ``generator`` for ``size`` answers at a time. A batch that has begun goes on to its end, come what may."""

    kind = "static"

    def __init__(self, generator: Generator, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._generator = generator
        self._size = size
        self._clock = clock
        self._waiting: dict[int, _Asked] = {}
        self._ended: list[Done] = []

    @property
    def name(self) -> str:
        return self._generator.name

    @property
    def version(self) -> str:
        return self._generator.version

    @property
    def capacity(self) -> Capacity:
        return Capacity(self._size, max(TOKENS, self._size))

    def load(self) -> None:
        self._generator.load()

    def close(self) -> None:
        """There is nothing to let go of."""

    def submit(self, ticket: int, prompt: Prompt, tell: Tell | None = None) -> None:
        self._waiting[ticket] = _Asked(prompt, self._clock(), tell)

    def cancel(self, ticket: int) -> None:
        asked = self._waiting.pop(ticket, None)
        if asked is not None:
            answer = Answer(code=Code.CANCELLED, reason="cancelled before the model")
            self._ended.append(Done(ticket, answer, self._clock() - asked.since))

    def step(self) -> Sequence[Done]:
        ended, self._ended = self._ended, []
        chosen = list(self._waiting)[: self._size]
        batch = [self._waiting.pop(ticket) for ticket in chosen]
        answers = answer_each(self._generate, batch) if batch else []
        now = self._clock()
        for ticket, asked, answer in zip(chosen, batch, answers, strict=True):
            ended.append(Done(ticket, answer, now - asked.since))
        return ended

    def _generate(self, batch: "Sequence[_Asked]") -> list[Answer]:
        return self._generator.generate([asked.prompt for asked in batch], [asked.tell for asked in batch])


@dataclass(frozen=True, slots=True)
class _Asked:
    """A prompt, when it came, and who is told the answer as it comes."""

    prompt: Prompt
    since: float
    tell: Tell | None
