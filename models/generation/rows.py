"""An answer on its way: its tokens so far, and when it ends."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch

from models.generation.generator import Answer, Finish, Prompt
from models.generation.stops import before_stop
from models.generation.voice import Voice
from schemas.errors import Code

_SPARE_TOKENS: Final = 8  # a stop may begin in the middle of a token


@dataclass(frozen=True, slots=True)
class Task:
    """A prompt as token ids, and how many ids its answer may have."""

    prompt: Prompt
    ids: list[int] = field(repr=False)
    limit: int

    @property
    def extent(self) -> int:
        """Tokens of the prompt, and at most of its answer."""
        return len(self.ids) + self.limit


@dataclass(slots=True)
class Row:
    """A task on its way: the ids made so far, what they are drawn with, and the answer once it has ended.

    Its ``voice``, if there is one, tells the text as it comes.
    """

    task: Task
    source: torch.Generator | None
    voice: Voice | None = None
    made: list[int] = field(default_factory=list, repr=False)
    answer: Answer | None = None


class Endings:
    """Takes tokens into rows, and ends what has to end. ``spell`` turns ids into text, ``ends`` are ids that end."""

    def __init__(
        self,
        spell: Callable[[Sequence[int]], str],
        ends: frozenset[int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spell = spell
        self._ends = ends
        self._clock = clock

    def advance(self, row: Row, token: int | None) -> None:
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
                row.answer = late(row)
            elif row.voice is not None:
                row.voice.spell(row.made, self._spell)

    def _stopped(self, row: Row) -> bool:
        """Whether a stop has come up. Only the end of the text is read: the rest was read before."""
        stops = row.task.prompt.stop
        if not any(stops):
            return False
        # No token is less than a byte.
        tail = max(len(stop.encode("utf-8", "surrogatepass")) for stop in stops) + _SPARE_TOKENS
        return before_stop(self._spell(row.made[-tail:]), stops) is not None

    def _answer(self, row: Row, finish: Finish) -> Answer:
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


def late(row: Row) -> Answer:
    """The answer of a row that was not ready in time; it names the tokens that were spent."""
    reason = "the deadline passed in the model" if row.made else "the deadline passed before the model"
    return unanswered(row, Code.DEADLINE_EXCEEDED, reason)


def unanswered(row: Row, code: Code, reason: str) -> Answer:
    """An answer without a text; it names the tokens that were spent."""
    read = len(row.task.ids) if row.made else 0
    return Answer(code=code, reason=reason, prompt_tokens=read, completion_tokens=len(row.made))
