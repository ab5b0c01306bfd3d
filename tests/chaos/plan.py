"""What goes wrong in a run, and when: a function of the seed alone."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

Kind = Literal["kill", "end", "pause", "slow", "join", "refuse", "readonly", "full", "clock"]

PROCESSES: Final = (
    "worker-1", "infer-1", "settle", "store", "clickhouse", "kafka", "monitor", "notify", "gateway"
)  # fmt: skip
_ENGINES: Final = frozenset({"clickhouse", "kafka"})
_TABLES: Final = ("verdicts", "replies", "ledger", "feedback", "labels")
_TARGETS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "join": ("worker", "infer", "settle", "store"),
    "refuse": _TABLES,
    "readonly": _TABLES,
    "full": ("disk",),
    "clock": ("machine",),
}
_SECONDS: Final[Mapping[Kind, tuple[float, float]]] = {
    "pause": (1, 14), "slow": (3, 15), "join": (3, 15), "refuse": (2, 20), "readonly": (2, 20), "full": (2, 20),
    "clock": (2, 15),
}  # fmt: skip
_WEIGHTS: Final[Mapping[Kind, int]] = {
    "kill": 5, "end": 3, "pause": 3, "slow": 2, "join": 3, "refuse": 1, "readonly": 1, "full": 2, "clock": 2
}  # fmt: skip
# Hours. Together they stay within the 24 for which settle remembers a request that it has answered.
_JUMPS: Final = (-8.0, -1.0, -0.01, 0.01, 1.0, 12.0)
KINDS: Final = frozenset(_WEIGHTS)
_SUPERVISOR_SHARE: Final = 0.08
_TOGETHER_SHARE: Final = 0.25  # of the faults fall on the same moment as the one before


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, ``at`` so many seconds after the traffic began.

    ``kill`` is SIGKILL and ``end`` SIGTERM, after which the supervisor starts the process again. ``pause`` is SIGSTOP
    and, ``seconds`` later, SIGCONT: longer than a session it leaves a zombie that goes on writing. ``join`` starts one
    more process of a kind and kills or ends it ``seconds`` later. ``slow`` stops a process nine tenths of the time.
    ``refuse`` takes a table from the store for so long, ``readonly`` lets nobody write to it, and ``full`` leaves no
    byte on the store's disk. ``clock`` sets the clock of the whole machine by ``hours``, and back.
    """

    at: float
    kind: Kind
    target: str
    seconds: float = 0.0
    hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A run: so much traffic at so many messages a second, and the faults, in order of time.

    ``opinions`` are feedback on requests and interactions, ``labels`` what reviewers would write.
    """

    seed: int
    requests: int
    interactions: int
    rate: float
    faults: tuple[Fault, ...]
    opinions: int = 0
    labels: int = 0

    @property
    def seconds(self) -> float:
        """How long the traffic takes, what is sent twice and garbage left out."""
        return (self.requests + self.interactions + self.opinions + self.labels) / self.rate

    @property
    def source(self) -> str:
        """The ``ce_source`` of everything that this run sends."""
        return f"chaos-{self.seed}"


_REQUESTS: Final = 160
_INTERACTIONS: Final = 60
_OPINIONS: Final = 40
_LABELS: Final = 20
_RATE: Final = 12.0


def plan(seed: int, faults: int = 6, kinds: frozenset[Kind] = KINDS) -> Plan:
    """The run of a seed with so many faults of these kinds."""
    chance = random.Random(seed)
    calm = Plan(seed, _REQUESTS, _INTERACTIONS, _RATE, (), _OPINIONS, _LABELS)
    return replace(calm, faults=tuple(_faults(chance, faults, kinds, calm.seconds)))


def _faults(chance: random.Random, count: int, kinds: frozenset[Kind], seconds: float) -> Iterator[Fault]:
    moments = sorted(chance.uniform(0.1, 0.9) * seconds for _ in range(count))
    for number, moment in enumerate(moments):
        together = number and chance.random() < _TOGETHER_SHARE
        yield _fault(chance, moments[number - 1] if together else moment, kinds)


def _fault(chance: random.Random, at: float, kinds: frozenset[Kind]) -> Fault:
    if chance.random() < _SUPERVISOR_SHARE:
        return Fault(at, "kill", "supervisor")
    able = [kind for kind in _WEIGHTS if kind in kinds]
    (kind,) = chance.choices(able, [_WEIGHTS[kind] for kind in able])
    target = chance.choice(_TARGETS.get(kind, PROCESSES))
    first, last = _SECONDS.get(kind, (0.0, 0.0))
    # Processes pause for longer than any session time-out of ours, but for the engines: all merely waits without them.
    seconds = chance.uniform(first, min(last, 8.0) if target in _ENGINES else last)
    return Fault(at, kind, target, seconds, chance.choice(_JUMPS) if kind == "clock" else 0.0)
