"""Every guard, by the name that policies use. A new guard is one file, one line here and one table of examples."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from guards.classifier import ClassifierGuard
from guards.groundedness import GroundednessGuard
from guards.guard import Encoder, Guard, Head, Side
from guards.pii import PiiGuard
from guards.pipeline import Pipeline
from guards.relevance import RelevanceGuard
from guards.secrets import SecretsGuard


@dataclass(frozen=True, slots=True)
class Parts:
    """The loaded models that guards are made of."""

    encoder: Encoder
    toxicity: Head
    injection: Head


def _toxicity(parts: Parts) -> Guard:
    sides = frozenset({Side.PROMPT, Side.RESPONSE})
    return ClassifierGuard("toxicity", parts.toxicity, sides, roles=frozenset({"user", "assistant", "tool"}))


def _injection(parts: Parts) -> Guard:
    sides = frozenset({Side.PROMPT, Side.CONTEXT})
    return ClassifierGuard("injection", parts.injection, sides, roles=frozenset({"user", "tool"}))


def _pii(_: Parts) -> Guard:
    guard = PiiGuard()
    guard.load()
    return guard


def _secrets(_: Parts) -> Guard:
    guard = SecretsGuard()
    guard.load()
    return guard


GUARDS: Final[Mapping[str, Callable[[Parts], Guard]]] = {
    "toxicity": _toxicity,
    "injection": _injection,
    "pii": _pii,
    "secrets": _secrets,
    "relevance": lambda parts: RelevanceGuard(parts.encoder.version),
    "groundedness": lambda _: GroundednessGuard(),
}


def build_pipeline(parts: Parts) -> Pipeline:
    """A pipeline of every guard. Loads the pattern guards: a second or so, so do it off the event loop."""
    return Pipeline([build(parts) for build in GUARDS.values()], parts.encoder)
