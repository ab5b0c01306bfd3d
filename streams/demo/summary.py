"""What came of the demo's traffic, read from the store's views: nothing here knows what was sent but its offsets."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from schemas.actions import Action
from streams.demo.delivered import Delivered
from streams.demo.tally import Rows, ask, read_tally

EXAMPLES: Final = 5
_EXCERPT: Final = 400
"""Code points of a masked text that an example keeps."""


@dataclass(frozen=True, slots=True)
class Latency:
    """From the broker's clock at arrival to the verdict, in milliseconds."""

    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Example:
    """A verdict that was stored. ``kind`` names its worst finding; the texts are masked, and cut if long.

    Without a finding ``guard``, ``label`` and ``side`` are empty. ``passage`` is the context passage at fault.
    """

    kind: str
    stage: str
    action: Action
    guard: str
    label: str
    side: str
    score: float | None
    prompt: str = field(repr=False)
    response: str = field(repr=False)
    passage: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """The demo in figures.

    ``interactions`` and ``requests`` were delivered, the ``malformed`` among them. Each of them ended in one of
    ``verdicts`` or ``dead_letters``, or came again under the id of another (``repeats``: judged each time, counted
    once), or is ``missing``. ``duplicates`` are endings beyond the first of an input: there should be none.
    ``guards`` counts the verdicts in which a guard found something or failed, ``codes`` the events that could not be
    judged, or not as a whole. ``seconds`` is from the first arrival to the last verdict.
    """

    interactions: int
    requests: int
    malformed: int
    verdicts: int
    dead_letters: int
    repeats: int
    missing: int
    duplicates: int
    seconds: float
    actions: Mapping[Action, int]
    guards: Mapping[str, int]
    codes: Mapping[str, int]
    latencies: Mapping[str, Latency]
    examples: tuple[Example, ...]

    @property
    def whole(self) -> bool:
        """Whether everything ended, and only once."""
        return self.missing == 0 and self.duplicates == 0


def read_summary(rows: Rows, delivered: Delivered) -> DemoSummary:
    """The summary of everything that was delivered. Raises what the store raises."""
    runs = delivered.offsets
    tally = read_tally(rows, runs)
    duplicates = ask(rows, "duplicates", runs)[0]["extra"]
    stages = ask(rows, "latencies", runs)
    return DemoSummary(
        interactions=delivered.interactions,
        requests=delivered.requests,
        malformed=delivered.malformed,
        verdicts=tally.verdicts,
        dead_letters=tally.dead_letters,
        repeats=max(0, tally.ended + duplicates - tally.verdicts - tally.dead_letters),
        missing=delivered.total - tally.ended,
        duplicates=duplicates,
        seconds=_seconds(stages),
        actions={action: tally.actions.get(action, 0) for action in Action},
        guards={row["guard"]: row["events"] for row in ask(rows, "guards", runs)},
        codes={row["code"]: row["events"] for row in ask(rows, "codes", runs)},
        latencies={row["stage"]: Latency(round(row["p50_ms"], 1), round(row["p99_ms"], 1)) for row in stages},
        examples=tuple(map(_example, ask(rows, "examples", runs, length=_EXCERPT, count=EXAMPLES))),
    )


def to_json(summary: DemoSummary) -> dict[str, Any]:
    """The summary as values for ``json.dumps``."""
    return asdict(summary)


def _seconds(stages: Sequence[Mapping[str, Any]]) -> float:
    if not stages:
        return 0.0
    span_ms: int = max(row["last_ms"] for row in stages) - min(row["first_ms"] for row in stages)
    return round(span_ms / 1000, 3)


def _example(row: Mapping[str, Any]) -> Example:
    return Example(**{**row, "action": Action(row["action"])})
