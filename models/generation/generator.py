"""What answers: prompts in, answers out, whatever the engine."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from models.generation.voice import Tell
from schemas.conversation import Message
from schemas.errors import Code

Finish = Literal["stop", "length", "content_filter"]
Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A chat that wants an answer of at most ``max_tokens``, which ends before the first of ``stop``.

    At ``temperature`` 0 every token is the likeliest; above it they are drawn from the likeliest that together have
    the probability ``top_p``, and ``seed`` says which. ``until`` is when nobody waits any more, as ``time.monotonic``
    counts. ``route`` are the names of models, the one that is wanted first; none: whatever serves. With ``as_json`` the
    answer is to be a JSON object, of an engine that can see to it. What an engine remembers of a prompt serves the same
    ``owner`` alone: nobody can tell by the time that an answer takes what others have asked.
    """

    messages: tuple[Message, ...] = field(repr=False)
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = field(default=(), repr=False)
    seed: int = 0
    until: float = math.inf
    route: tuple[str, ...] = ()
    as_json: bool = False
    owner: str = ""


NO_JSON: Final = "response_format is not supported by this model"


@dataclass(frozen=True, slots=True)
class Answer:
    """A ``text``, and why it ends; or a ``code`` that says why there is none, with a ``reason`` free of user text."""

    text: str | None = field(default=None, repr=False)
    finish_reason: Finish | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    code: Code | None = None
    reason: str | None = None


class Generator(Protocol):
    """A model that answers. One thread at a time may use it."""

    @property
    def name(self) -> str:
        """What requests call it, and what replies say."""
        ...

    @property
    def version(self) -> str:
        """``name@version#hash``, as far as they are known. Meaningful after ``load``."""
        ...

    def load(self) -> None:
        """Read the weights: seconds to minutes. Raises ConfigError or UnavailableError: it cannot be had."""
        ...

    def generate(self, prompts: Sequence[Prompt], tells: Sequence[Tell | None] = ()) -> list[Answer]:
        """An answer to each, in order. What is wrong with one prompt is told in its answer and touches no other.

        ``tells``, one for each prompt or none at all, are told the answers' texts as they come.

        Codes: ``CONTEXT_TOO_LONG``, ``DEADLINE_EXCEEDED`` (not ready by ``until``), ``MODEL_FAILED``,
        ``INVALID_FIELD`` (``as_json``, where it cannot be seen to). Any text is legal. The same prompt has the same
        answer, up to rounding that depends on what runs beside it.
        """
        ...
