"""What goes wrong in a run, and when: a function of the seed alone."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["kill", "end", "pause", "join", "refuse"]

PROCESSES: Final = ("worker-1", "infer-1", "settle", "store", "clickhouse", "kafka")
_ENGINES: Final = frozenset({"clickhouse", "kafka"})
_JOINING: Final = ("worker", "infer", "settle", "store")
_WEIGHTS: Final[tuple[tuple[Kind, int], ...]] = (("kill", 5), ("end", 3), ("pause", 3), ("join", 3), ("refuse", 1))
_SUPERVISOR_SHARE: Final = 0.08
_TOGETHER_SHARE: Final = 0.25  # of the faults fall on the same moment as the one before


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, ``at`` so many seconds after the traffic began.

    ``kill`` is SIGKILL and ``end`` SIGTERM, after which the supervisor starts the process again. ``pause`` is SIGSTOP
    and, ``seconds`` later, SIGCONT: longer than a session it leaves a zombie that goes on writing. ``join`` starts one
    more process of a kind and kills or ends it ``seconds`` later. ``refuse`` takes a table from the store for so long.
    """

    at: float
    kind: Kind
    target: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A run: so much traffic at so many messages a second, and the faults, in order of time."""

    seed: int
    requests: int
    interactions: int
    rate: float
    faults: tuple[Fault, ...]

    @property
    def source(self) -> str:
        """The ``ce_source`` of everything that this run sends."""
        return f"chaos-{self.seed}"


def plan(seed: int, faults: int = 6, requests: int = 160, interactions: int = 60, rate: float = 10.0) -> Plan:
    """The run of a seed."""
    chance = random.Random(seed)
    seconds = (requests + interactions) / rate
    return Plan(seed, requests, interactions, rate, tuple(_faults(chance, faults, seconds)))


def _faults(chance: random.Random, count: int, seconds: float) -> Iterator[Fault]:
    moments = sorted(chance.uniform(0.1, 0.9) * seconds for _ in range(count))
    for number, moment in enumerate(moments):
        together = number and chance.random() < _TOGETHER_SHARE
        yield _fault(chance, moments[number - 1] if together else moment)


def _fault(chance: random.Random, at: float) -> Fault:
    if chance.random() < _SUPERVISOR_SHARE:
        return Fault(at, "kill", "supervisor")
    (kind,) = chance.choices([kind for kind, _ in _WEIGHTS], [weight for _, weight in _WEIGHTS])
    if kind == "join":
        return Fault(at, kind, chance.choice(_JOINING), chance.uniform(3, 15))
    if kind == "refuse":
        return Fault(at, kind, chance.choice(("verdicts", "replies", "ledger")), chance.uniform(2, 20))
    target = chance.choice(PROCESSES)
    if kind != "pause":
        return Fault(at, kind, target)
    # Longer than any session time-out of ours, but for the engines: without them everything merely waits.
    return Fault(at, kind, target, chance.uniform(1, 8) if target in _ENGINES else chance.uniform(1, 14))
