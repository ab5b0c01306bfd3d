"""Reads a batch's passages, each with the guards that want it; a guard that raises fails for one passage only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from guards.guard import Encoder, Guard, Passage, Reading, TextFeatures
from schemas.errors import Code


@dataclass(frozen=True, slots=True)
class Failed:
    """A guard could not read a passage: it raised or broke its contract, or a text that it needs is too long."""

    code: Code


Outcome = Reading | Failed
Readings = Mapping[tuple[Guard, Passage], Outcome]
"""What each guard says of each passage that it was given. Guards are told apart by identity, not by name."""


class Reader:
    """Guards over one encoder pass. Pure once built, and safe to call from any thread if the guards are."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def read(self, plan: Mapping[Guard, Collection[Passage]], max_chars: int) -> Readings:
        """Every guard's outcome for every distinct passage that the plan gives it, and nothing else.

        Never raises for a text or a broken guard. A passage for which a guard needs a companion longer than
        ``max_chars`` fails for that guard: an endless question must not be encoded only because its answer is short.
        """
        needed = dict.fromkeys(text for guard, wanted in plan.items() for p in wanted for text in guard.needs(p))
        features = self._encode([text for text in needed if len(text) <= max_chars])
        outcomes: dict[tuple[Guard, Passage], Outcome] = {}
        for guard, wanted in plan.items():
            readable = [p for p in wanted if all(len(text) <= max_chars for text in guard.needs(p))]
            outcomes.update(((guard, passage), Failed(Code.TOO_LONG)) for passage in wanted)
            outcomes.update(((guard, passage), outcome) for passage, outcome in _read(guard, readable, features))
        return outcomes

    def _encode(self, texts: list[str]) -> dict[str, TextFeatures]:
        """Features by text; a text that the encoder cannot take is left out, and its guards fail by KeyError."""
        if not texts:
            return {}
        try:
            return dict(zip(texts, self._encoder.encode(texts), strict=True))
        except Exception:  # noqa: BLE001 - whatever the encoder raises, the other texts are still to be judged
            half = len(texts) // 2
            return {} if half == 0 else self._encode(texts[:half]) | self._encode(texts[half:])


def _read(
    guard: Guard, passages: Sequence[Passage], features: Mapping[str, TextFeatures]
) -> list[tuple[Passage, Outcome]]:
    if not passages:
        return []
    try:
        readings = guard.read(passages, features)
        return [(passage, _checked(guard, reading)) for passage, reading in zip(passages, readings, strict=True)]
    except Exception:  # noqa: BLE001 - a guard may raise anything; a failure is a finding
        half = len(passages) // 2
        if half == 0:
            return [(passages[0], Failed(Code.GUARD_FAILED))]
        return _read(guard, passages[:half], features) + _read(guard, passages[half:], features)


def _checked(guard: Guard, reading: Reading) -> Outcome:
    """The reading, or a failure where a score is missing or no fraction (a NaN would pass every threshold)."""
    values = [reading.scores[label].value for label in guard.labels if label in reading.scores]
    values += [hit.score for hit in reading.hits]
    if len(reading.scores) < len(guard.labels) or not all(0.0 <= value <= 1.0 for value in values):
        return Failed(Code.GUARD_FAILED)
    return reading
