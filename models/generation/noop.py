"""No model at all: a fixed sentence at once, for benchmarks, tests and rehearsals."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from models.generation.generator import NO_JSON, Answer, Finish, Prompt
from models.generation.stops import before_stop
from models.generation.voice import Tell
from schemas.errors import Code

NAME: Final = "noop"
SENTENCE: Final = "This is the answer that is given when no model is asked."

_CONTEXT_CHARACTERS: Final = 1_000_000


class NoopGenerator:
    """Answers everything with ``SENTENCE``. A word is a token."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock

    @property
    def name(self) -> str:
        return NAME

    @property
    def version(self) -> str:
        return f"{NAME}@1.0.0"

    def load(self) -> None:
        """There is nothing to load."""

    def generate(self, prompts: Sequence[Prompt], tells: Sequence[Tell | None] = ()) -> list[Answer]:
        answers = [self._answer(prompt) for prompt in prompts]
        for answer, tell in zip(answers, tells, strict=False):
            if tell is not None:
                _tell_words(answer.text or "", tell)
        return answers

    def _answer(self, prompt: Prompt) -> Answer:
        if self._clock() >= prompt.until:
            return Answer(code=Code.DEADLINE_EXCEEDED)
        if prompt.as_json:
            return Answer(code=Code.INVALID_FIELD, reason=NO_JSON)
        if sum(len(message.content) for message in prompt.messages) > _CONTEXT_CHARACTERS:
            return Answer(code=Code.CONTEXT_TOO_LONG, reason=f"more than {_CONTEXT_CHARACTERS} characters")
        words = SENTENCE.split()
        text = before_stop(" ".join(words[: prompt.max_tokens]), prompt.stop)
        whole: Finish = "stop" if prompt.max_tokens >= len(words) else "length"
        cut = text if text is not None else " ".join(words[: prompt.max_tokens])
        return Answer(
            text=cut,
            finish_reason=whole if text is None else "stop",
            prompt_tokens=sum(len(message.content.split()) for message in prompt.messages),
            completion_tokens=len(cut.split()),
        )


def _tell_words(text: str, tell: Tell) -> None:
    """Word by word, as a model would."""
    place = 0
    for word in text.split(" "):
        piece = word if place == 0 else f" {word}"
        tell(place, piece)
        place += len(piece)
