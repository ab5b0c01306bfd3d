"""Reads a batch's passages, each with the guards that want it; what one guard fails at is lost for that guard alone."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from guards.circuit import Circuit
from guards.guard import Encoder, Guard, Passage, Reading, Side, TextFeatures
from guards.oversight import Fault, Oversight
from guards.time_limit import TimeLimit, TooLateError
from schemas.errors import Code

_ENCODER: Final = "encoder"
_PROBE_SECONDS: Final = 5.0
_HARMLESS: Final = (
    Passage("The train to Leeds leaves at noon.", Side.PROMPT),
    Passage(
        "It leaves at noon.", Side.RESPONSE, "assistant", "When does the train leave?", ("The train leaves at noon.",)
    ),
    Passage("The train to Leeds leaves at noon.", Side.CONTEXT),
)


@dataclass(frozen=True, slots=True)
class Failed:
    """A guard could not read a passage: it is at fault, is not asked any more, or needs a text that is too long."""

    code: Code


Outcome = Reading | Failed
Readings = Mapping[tuple[Guard, Passage], Outcome]
"""What each guard says of each passage that it was given. Guards are told apart by identity, not by name."""

Features = Mapping[str, TextFeatures]


@dataclass(frozen=True, slots=True)
class Lecture:
    """What was read: the outcomes, and the features that were computed on the way, by text."""

    readings: Readings
    features: Features


@dataclass(frozen=True, slots=True)
class _Charge:
    """What there is for each guard: one that hangs must not take the others' threads."""

    circuit: Circuit
    limit: TimeLimit


class Reader:
    """Guards over one encoder pass. Safe to call from any thread if the guards are.

    It remembers of guards only whether they work (``guards.circuit``), by name and version.
    """

    def __init__(self, encoder: Encoder, oversight: Oversight | None = None) -> None:
        self._encoder = encoder
        self._oversight = oversight or Oversight()
        self._encoding = TimeLimit()
        self._charges: dict[tuple[str, str], _Charge] = {}
        self._lock = Lock()

    def read(self, plan: Mapping[Guard, Collection[Passage]], max_chars: int) -> Lecture:
        """Every guard's outcome for every distinct passage that the plan gives it, and nothing else.

        Never raises for a text or a broken guard, and comes back though one hangs. A passage for which a guard needs a
        companion longer than ``max_chars`` fails for that guard: an endless question must not be encoded only because
        its answer is short.
        """
        needed = dict.fromkeys(text for guard, wanted in plan.items() for p in wanted for text in guard.needs(p))
        features = self._encode([text for text in needed if len(text) <= max_chars])
        outcomes: dict[tuple[Guard, Passage], Outcome] = {}
        for guard, wanted in plan.items():
            readable = [p for p in wanted if all(len(text) <= max_chars for text in guard.needs(p))]
            outcomes.update(((guard, passage), Failed(Code.TOO_LONG)) for passage in wanted)
            outcomes.update(((guard, passage), outcome) for passage, outcome in self._ask(guard, readable, features))
        return Lecture(outcomes, features)

    def _encode(self, texts: Sequence[str]) -> Features:
        """Features by text; a text that the encoder cannot take is left out, and its guards fail by KeyError."""
        return self._encode_within(texts, self._oversight.seconds_for(_length(texts)))

    def _encode_within(self, texts: Sequence[str], seconds: float) -> Features:
        if not texts:
            return {}
        try:
            encoded = self._encoding.call(lambda: self._encoder.encode(texts), seconds)
            return dict(zip(texts, encoded, strict=True))
        except Exception as error:  # noqa: BLE001 - whatever the encoder raises, the other texts are still to be judged
            half = len(texts) // 2
            if half == 0:
                self._oversight.watcher.failed(_ENCODER, _fault(error), 1)
                return {}
            left = seconds / 2 if isinstance(error, TooLateError) else seconds
            return {**self._encode_within(texts[:half], left), **self._encode_within(texts[half:], left)}

    def _ask(self, guard: Guard, passages: Sequence[Passage], features: Features) -> Iterable[tuple[Passage, Outcome]]:
        if not passages:
            return ()
        circuit = self._charge(guard).circuit
        self._probe(guard, circuit)
        if circuit.is_open:
            self._oversight.watcher.failed(guard.name, Fault.NOT_ASKED, len(passages))
            return [(passage, Failed(Code.GUARD_FAILED)) for passage in passages]
        characters = _length(passage.text for passage in passages)
        outcomes = list(self._read(guard, passages, features, self._oversight.seconds_for(characters)))
        faults = [outcome for _, outcome in outcomes if isinstance(outcome, Fault)]
        for fault in sorted(set(faults)):
            self._oversight.watcher.failed(guard.name, fault, faults.count(fault))
        circuit.note(read=len(faults) < len(outcomes), late=Fault.LATE in faults)
        self._probe(guard, circuit)
        return [
            (passage, Failed(Code.GUARD_FAILED) if isinstance(outcome, Fault) else outcome)
            for passage, outcome in outcomes
        ]

    def _read(
        self, guard: Guard, passages: Sequence[Passage], features: Features, seconds: float
    ) -> Iterator[tuple[Passage, Reading | Fault]]:
        """Halves what fails, so that a poisonous passage fails alone; what is late has half the time, both together."""
        try:
            readings = self._charge(guard).limit.call(lambda: guard.read(passages, features), seconds)
            checked = [(passage, _checked(guard, reading)) for passage, reading in zip(passages, readings, strict=True)]
        except Exception as error:  # noqa: BLE001 - a guard may raise anything; a failure is a finding
            half = len(passages) // 2
            if half == 0:
                yield passages[0], _fault(error)
                return
            left = seconds / 2 if isinstance(error, TooLateError) else seconds
            yield from self._read(guard, passages[:half], features, left)
            yield from self._read(guard, passages[half:], features, left)
        else:
            yield from checked

    def _probe(self, guard: Guard, circuit: Circuit) -> None:
        """Have a suspect guard read something harmless, and open or close its circuit by that."""
        if not circuit.claim_probe():
            return
        passages = [passage for passage in _HARMLESS if guard.applies(passage)]
        seconds = min(_PROBE_SECONDS, self._oversight.seconds)
        features = self._encode_within(list({text for p in passages for text in guard.needs(p)}), seconds)
        outcomes = [outcome for _, outcome in self._read(guard, passages, features, seconds)] if passages else []
        well = not any(isinstance(outcome, Fault) for outcome in outcomes)
        if circuit.probed(well=well):
            self._oversight.watcher.circuit(guard.name, is_open=circuit.is_open)

    def _charge(self, guard: Guard) -> _Charge:
        key = (guard.name, guard.version)
        charge = self._charges.get(key)
        if charge is None:
            with self._lock:
                charge = self._charges.setdefault(key, _Charge(Circuit(self._oversight.clock), TimeLimit()))
        return charge


def _checked(guard: Guard, reading: Reading) -> Reading | Fault:
    """The reading, or a fault where a score is missing or no fraction (a NaN would pass every threshold)."""
    values = [reading.scores[label].value for label in guard.labels if label in reading.scores]
    values += [hit.score for hit in reading.hits]
    if len(reading.scores) < len(guard.labels) or not all(0.0 <= value <= 1.0 for value in values):
        return Fault.NONSENSE
    return reading


def _fault(error: Exception) -> Fault:
    return Fault.LATE if isinstance(error, TooLateError) else Fault.RAISED


def _length(texts: Iterable[str]) -> int:
    return sum(map(len, texts))
