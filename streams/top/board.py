"""What ``weir top`` shows, as figures: lanes, the model, stages, replies, the store, the alarms. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from streams.top.sample import Change

LANES: Final = ("interactive", "bulk")
STAGES: Final = ("screen", "stream", "judge", "observe")


@dataclass(frozen=True, slots=True)
class Span:
    """The median and the 99th percentile of some seconds; None where nothing happened."""

    p50: float | None
    p99: float | None

    @classmethod
    def of(cls, change: Change, name: str, **labels: str) -> "Span":
        """Of what a histogram took in."""
        return cls(change.quantile(0.5, name, **labels), change.quantile(0.99, name, **labels))


@dataclass(frozen=True, slots=True)
class Lane:
    """Requests that wait for the model, and how long those waited that went in meanwhile."""

    name: str
    waiting: int
    queue: Span


@dataclass(frozen=True, slots=True)
class Speed:
    """What one model does: tokens a second read and made, answers a second, and its times."""

    name: str
    read: float
    made: float
    answers: float
    first_token: Span
    token: Span
    seconds: Span


@dataclass(frozen=True, slots=True)
class Model:
    """All processes of infer: rows and tokens of memory in use, and of how many; what all models do, and each.

    ``answers`` are a second, by how they ended; ``refusals`` those that had to wait, by what was short.
    """

    running: int
    slots: int
    held: int
    room: int
    read: float
    made: float
    first_token: Span
    token: Span
    seconds: Span
    answers: Mapping[str, float]
    refusals: Mapping[str, float]
    models: tuple[Speed, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: events a second, by action, and their age when they were done."""

    name: str
    events: float
    actions: Mapping[str, float]
    age: Span


@dataclass(frozen=True, slots=True)
class Board:
    """All of it. Rates are a second, over ``seconds``. ``lag`` is by consumer group, where a broker was asked."""

    seconds: float
    down: tuple[str, ...]
    lanes: tuple[Lane, ...]
    model: Model
    stages: tuple[Stage, ...]
    guards: Mapping[str, float]
    guards_open: tuple[str, ...]
    replies: Mapping[str, float]
    open: int
    held: int
    dead_letters: float
    stored: float
    store_lag: int
    store_paused: bool
    alerts: Mapping[str, float]
    lag: Mapping[str, int]


def board_of(change: Change, lag: Mapping[str, int]) -> Board:
    """The figures of a change."""
    return Board(
        seconds=change.seconds,
        down=tuple(sorted(change.now.down)),
        lanes=tuple(
            Lane(
                name,
                int(change.gauge("weir_infer_waiting", lane=name)),
                Span.of(change, "weir_infer_queue_seconds", lane=name),
            )
            for name in LANES
        ),
        model=_model(change),
        stages=tuple(_stage(change, name) for name in STAGES),
        guards=change.shares("weir_findings_total", "guard"),
        guards_open=_open_guards(change),
        replies=change.shares("weir_replies_total", "status"),
        open=int(change.gauge("weir_settle_requests", state="open")),
        held=int(change.gauge("weir_settle_requests", state="held")),
        dead_letters=change.rate("weir_dead_letters_total"),
        stored=change.rate("weir_store_rows_total"),
        store_lag=int(change.gauge("weir_store_lag_events")),
        store_paused=change.gauge("weir_store_paused") > 0,
        alerts=change.shares("weir_monitor_alerts_total", "state"),
        lag=lag,
    )


def _model(change: Change) -> Model:
    return Model(
        running=int(change.gauge("weir_infer_running")),
        slots=int(change.gauge("weir_infer_slots")),
        held=int(change.gauge("weir_infer_held_tokens")),
        room=int(change.gauge("weir_infer_room_tokens")),
        read=change.rate("weir_infer_prompt_tokens_total"),
        made=change.rate("weir_infer_completion_tokens_total"),
        first_token=Span.of(change, "weir_infer_first_token_seconds"),
        token=Span.of(change, "weir_infer_token_seconds"),
        seconds=Span.of(change, "weir_infer_seconds"),
        answers=change.shares("weir_infer_answers_total", "code"),
        refusals=change.shares("weir_infer_refusals_total", "reason"),
        models=tuple(_speed(change, name) for name in change.labels("weir_infer_answers_total", "model") if name),
    )


def _speed(change: Change, name: str) -> Speed:
    return Speed(
        name=name,
        read=change.rate("weir_infer_prompt_tokens_total", model=name),
        made=change.rate("weir_infer_completion_tokens_total", model=name),
        answers=change.rate("weir_infer_answers_total", model=name),
        first_token=Span.of(change, "weir_infer_first_token_seconds", model=name),
        token=Span.of(change, "weir_infer_token_seconds", model=name),
        seconds=Span.of(change, "weir_infer_seconds", model=name),
    )


def _stage(change: Change, name: str) -> Stage:
    actions = change.shares("weir_events_total", "action", stage=name)
    return Stage(name, sum(actions.values()), actions, Span.of(change, "weir_event_age_seconds", stage=name))


def _open_guards(change: Change) -> tuple[str, ...]:
    held = (
        dict(labels)["guard"]
        for values in change.now.processes.values()
        for (name, labels), value in values.items()
        if name == "weir_guard_open" and value > 0
    )
    return tuple(sorted(set(held)))
