"""What keeps a model busy: prompts join at any time, answers come as they end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from models.generation.generator import Answer, Prompt
from models.generation.voice import Tell


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many prompts an engine works on at once, and how many tokens they and their answers may come to.

    More than that may be submitted; it waits inside, in order.
    """

    slots: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Maker:
    """What has answered: a model's name and version, and the kind of engine that it runs in."""

    name: str
    version: str
    kind: str


@dataclass(frozen=True, slots=True)
class Done:
    """The answer to what was submitted under ``ticket``.

    Seconds count from the submission: ``seconds`` to the end, ``first_token`` to the first token where the engine
    tells tokens apart and there was one. ``by`` says who has answered, where there are several. So many tokens of the
    prompt were ``remembered`` from others that begin like it, and not read again.
    """

    ticket: int
    answer: Answer
    seconds: float
    first_token: float | None = None
    by: Maker | None = None
    remembered: int = 0


class Engine(Protocol):
    """A model that answers many prompts at once. One thread at a time may use it, but for ``capacity``.

    Whatever is submitted ends in exactly one ``Done``, in any order, also if it is cancelled (``CANCELLED``). What is
    wrong with one prompt is told in its answer and touches no other. Codes: ``CONTEXT_TOO_LONG``,
    ``DEADLINE_EXCEEDED`` (not ready by ``until``: nobody goes on with it), ``MODEL_FAILED``, ``CANCELLED``,
    ``INVALID_FIELD`` (``as_json``, of an engine that does not see to it), and ``UNAVAILABLE`` where a server does not
    answer. Any text is legal. The same prompt has the same answer, up to
    rounding that depends on what runs beside it.
    """

    @property
    def name(self) -> str:
        """What requests call it, and what replies say."""
        ...

    @property
    def version(self) -> str:
        """``name@version#hash``, as far as they are known. Meaningful after ``load``."""
        ...

    @property
    def kind(self) -> str:
        """How it runs: ``continuous``, ``static``, ``http`` and so on."""
        ...

    @property
    def capacity(self) -> Capacity:
        """What it can take at once; it may shrink when memory runs out. Meaningful after ``load``."""
        ...

    def load(self) -> None:
        """Read the weights and warm up: seconds to minutes.

        Raises:
            ConfigError, UnavailableError: it cannot be had.
        """
        ...

    def close(self) -> None:
        """Let go of connections. What was submitted gets no answer any more."""
        ...

    def submit(self, ticket: int, prompt: Prompt, tell: Tell | None = None) -> None:
        """Begin with a prompt as soon as there is room. Never raises, and waits for nothing.

        ``tell`` is told, in ``step``, the answer's text as it comes: the text of the answer begins with what was told
        since it last began, if it has any.
        """
        ...

    def cancel(self, ticket: int) -> None:
        """Stop as soon as can be. A ticket that has ended, or never was, is legal."""
        ...

    def step(self) -> Sequence[Done]:
        """Work on, and tell what has ended since the last call: a token for each, a whole batch, or a short wait.

        Call it until everything that was submitted has ended.
        """
        ...
