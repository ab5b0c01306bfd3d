"""What came of the demo's traffic, read from the store's views: nothing here knows what was sent but its offsets."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from schemas.actions import Action
from streams.demo.delivered import Delivered
from streams.demo.story import Step, read_story
from streams.demo.tally import Rows, Tally, ask, read_tally

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

    ``interactions`` and ``requests`` were delivered, the ``malformed`` among them. ``replies`` counts the requests
    that the client read a final reply to, ``statuses`` those by kind. ``verdicts`` are of all stages, ``dead_letters``
    of inputs that nobody could read. ``missing`` are inputs that ended nowhere and requests without a reply,
    ``duplicates`` endings and final replies beyond the first: there should be none of either.
    ``guards`` counts the verdicts in which a guard found something or failed, ``codes`` the events that were not
    judged, or not as a whole, and the requests that got no text. ``seconds`` is from the first message to the last
    reply or verdict.
    """

    interactions: int
    requests: int
    malformed: int
    replies: int
    verdicts: int
    dead_letters: int
    missing: int
    duplicates: int
    seconds: float
    statuses: Mapping[str, int]
    actions: Mapping[Action, int]
    guards: Mapping[str, int]
    codes: Mapping[str, int]
    latencies: Mapping[str, Latency]
    examples: tuple[Example, ...]
    story: tuple[Step, ...]

    @property
    def whole(self) -> bool:
        """Whether everything ended, and only once."""
        return self.missing == 0 and self.duplicates == 0


def read_summary(rows: Rows, delivered: Delivered) -> DemoSummary:
    """The summary of everything that was delivered. Raises what the store raises."""
    runs = delivered.offsets
    tally = read_tally(rows, runs)
    stages = ask(rows, "latencies", runs)
    return DemoSummary(
        interactions=delivered.interactions,
        requests=delivered.requests,
        malformed=delivered.malformed,
        replies=delivered.replies.final,
        verdicts=tally.verdicts,
        dead_letters=tally.dead_letters,
        missing=_missing(delivered, tally),
        duplicates=ask(rows, "duplicates", runs)[0]["extra"] + delivered.replies.again,
        seconds=max(_seconds(stages), delivered.replies.seconds),
        statuses=delivered.replies.statuses,
        actions={action: tally.actions.get(action, 0) for action in Action},
        guards={row["guard"]: row["events"] for row in ask(rows, "guards", runs)},
        codes={row["code"]: row["events"] for row in ask(rows, "codes", runs)},
        latencies={row["stage"]: Latency(round(row["p50_ms"], 1), round(row["p99_ms"], 1)) for row in stages},
        examples=tuple(map(_example, ask(rows, "examples", runs, length=_EXCERPT, count=EXAMPLES))),
        story=read_story(rows, runs),
    )


def _missing(delivered: Delivered, tally: Tally) -> int:
    """Inputs that ended nowhere, and requests that ended without a reply that the client could read."""
    unended = delivered.total - tally.inputs
    unanswered = delivered.replies.awaited - delivered.replies.final
    requests = delivered.offsets_of("requests")
    unsettled = sum(map(len, requests)) - sum(tally.ended.get(topic, 0) for topic in {run.topic for run in requests})
    return unended + max(0, unanswered - unsettled)


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
