"""What a guard is: a reader of passages that returns scores and hits, and knows nothing of policies.

A guard does not decide. It says how toxic a passage is or where an address stands; the policy compares that
with a threshold and picks an action (``guards.verdicts``). It does not load anything either: encoders and heads
are handed to it, so a guard is pure once it is built and may be called from any thread.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from schemas.conversation import Message
from schemas.verdict import Origin

Floats: TypeAlias = NDArray[np.float32]


class Side(StrEnum):
    """Where a passage comes from."""

    PROMPT = "prompt"
    RESPONSE = "response"
    CONTEXT = "context"


@dataclass(frozen=True, slots=True)
class Passage:
    """One text to read: a chat message, a response or a context passage.

    ``role`` is the author (``user``, ``system``, ``assistant``, ``tool``…). For a response, ``question`` is the
    message that it answers, ``context`` the passages that it may rely on, and ``conversation`` every message before
    it, those of the system included; all three are empty for what is no response.
    """

    text: str = field(repr=False)
    side: Side
    role: str = "user"
    question: str | None = field(default=None, repr=False)
    context: tuple[str, ...] = field(default=(), repr=False)
    conversation: tuple[Message, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Hit:
    """A labelled span: code points ``start`` to ``end`` (exclusive) of the passage, with a score of 0 to 1.

    ``origin`` tells, for what stands in a response, whether it was given before; None where nothing was to compare.
    """

    label: str
    score: float
    start: int
    end: int
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """One scored label, 0 to 1, and the code points of the window that it comes from (None: the whole passage)."""

    value: float
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a guard found in one passage."""

    scores: Mapping[str, Score] = field(default_factory=dict)
    hits: tuple[Hit, ...] = ()


class TextFeatures(Protocol):
    """The encoder's view of one text, cut into overlapping windows that cover all of it.

    ``spans`` is ``(windows, 2)``: first and past-the-end code point of each window. ``mean`` is
    ``(windows, dim)``, the L2-normalised mean of the last layer; ``peak`` is ``(windows, dim)``, its maximum; ``inner``
    is ``(windows, …)``, means of layers below it. A blank text has no windows: all arrays are empty.
    """

    @property
    def spans(self) -> NDArray[np.int32]: ...
    @property
    def mean(self) -> Floats: ...
    @property
    def peak(self) -> Floats: ...
    @property
    def inner(self) -> Floats: ...


class Encoder(Protocol):
    """Text to features. Deterministic, thread-safe, and independent of what else is in the batch."""

    @property
    def version(self) -> str: ...

    def encode(self, texts: Sequence[str]) -> Sequence[TextFeatures]:
        """Features in the order of ``texts``. Any string is legal: empty, huge, NULs, lone surrogates."""
        ...


class Head(Protocol):
    """A small classifier on top of the encoder."""

    @property
    def version(self) -> str: ...
    @property
    def labels(self) -> tuple[str, ...]: ...

    def predict(self, features: TextFeatures, text: str) -> Floats:
        """Probabilities ``(windows, labels)``, each 0 to 1, for a text and its features."""
        ...


class WindowScores(Protocol):
    """What a scorer says of one text, by window.

    ``spans`` is ``(windows, 2)``: first and past-the-end code point; the windows cover the text. ``values`` is
    ``(windows, labels)``, each 0 to 1. A blank text has no windows.
    """

    @property
    def spans(self) -> NDArray[np.int32]: ...
    @property
    def values(self) -> Floats: ...


class Scorer(Protocol):
    """A classifier that reads texts by itself, without the shared encoder. Deterministic and thread-safe."""

    @property
    def version(self) -> str: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def languages(self) -> frozenset[str]: ...

    def score(self, texts: Sequence[str]) -> Sequence[WindowScores]:
        """Scores in the order of ``texts``. Any string is legal: empty, huge, NULs, lone surrogates."""
        ...


class Guard(Protocol):
    """Reads passages in batches. Told apart by identity: two guards of one name may be at work side by side.

    ``name`` is what policies call it, ``version`` changes whenever its output may, and ``labels`` are the score
    keys that it always reports (empty for a guard that only has hits). ``lower_is_worse`` tells which side of a
    threshold is bad. ``languages`` are those that it can read, ISO 639; None for one that reads any.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def lower_is_worse(self) -> bool: ...
    @property
    def languages(self) -> frozenset[str] | None: ...

    def applies(self, passage: Passage) -> bool:
        """Whether the guard has anything to say about this kind of passage (side, role, companions)."""
        ...

    def needs(self, passage: Passage) -> Sequence[str]:
        """The texts whose features ``read`` will ask for; empty for a guard without an encoder."""
        ...

    def read(self, passages: Sequence[Passage], features: Mapping[str, TextFeatures]) -> Sequence[Reading]:
        """One reading a passage, in order. Must not raise for any text; may raise if it is broken."""
        ...
