"""What the monitor takes from a message: values in [0, 1], by series, with the segments that they belong to. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from schemas.alert import Dimension
from schemas.feedback import Opinion
from schemas.policy import Alarms
from schemas.signal import UNUSUAL_TOPICS, SignalName
from schemas.traffic import Traffic, milliseconds
from schemas.verdict import Verdict
from streams.monitor.signals import SIGNALS, Signal, values

Clock = Literal["arrival", "event"]
"""Whose time an event has: the broker's when it came in, or its own, which may be anything (for replays)."""

DIMENSIONS: Final[tuple[Dimension, ...]] = ("model", "policy", "stage", "language", "length", "label", "topic")
NONE: Final = "none"
"""The segment of an event that has none of the dimension."""
_EDGES: Final = (0, 100, 1_000, 10_000)
_BANDS: Final = {high: f"{low} to {high - 1} characters" for low, high in pairwise(_EDGES)}
_LONG: Final = f"{_EDGES[-1]} characters and more"


@dataclass(frozen=True, slots=True)
class Reading:
    """One event as it is counted. ``time`` is in milliseconds since 1970; ``segments`` as ``DIMENSIONS`` are.

    ``topic`` is the prompt's, where it is to be told whether it is a usual one.
    """

    unit: str
    app: str
    conversation: str
    time: int
    values: Mapping[str, float]
    segments: tuple[str, ...]
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Passing:
    """An event that is not counted here: nobody watches it, or another monitor does. Time goes on by it all the same.

    So which events are late depends neither on policies nor on how many monitors share the work.
    """

    time: int


class Reader:
    """Verdicts to readings. ``alarms`` tells what is watched of an app, None for apps that nothing is known of."""

    def __init__(self, alarms: Callable[[str], Alarms | None], clock: Clock) -> None:
        self._alarms = alarms
        self._clock = clock
        self._watched: dict[frozenset[str] | None, Sequence[Signal]] = {}

    def passing(self, traffic: Traffic) -> Passing | None:
        """What another monitor counts; None of what is no traffic."""
        time = traffic.arrived if self._clock == "arrival" else traffic.made
        return None if time is None else Passing(time)

    def read(self, verdict: Verdict) -> Reading | Passing | None:
        """The reading; None of what is no traffic: trials and contradictions."""
        if not verdict.counts:
            return None
        time = milliseconds(verdict.position.time if self._clock == "arrival" else verdict.event_time)
        alarms = self._alarms(verdict.app)
        if alarms is None:
            return Passing(time)
        found = dict(values(verdict, self._signals(alarms), alarms))
        topic = _topic(verdict) if is_watched(alarms, UNUSUAL_TOPICS) else None
        if not found and topic is None:
            return Passing(time)
        return Reading(
            str(verdict.verdict_id),
            verdict.app,
            verdict.conversation_id,
            time,
            found,
            segments(verdict),
            topic,
        )

    def hear(self, opinion: Opinion) -> Reading | Passing:
        """The reading of a user's feedback, if it rates and anybody watches."""
        time = milliseconds(opinion.position.time if self._clock == "arrival" else opinion.event_time)
        alarms = self._alarms(opinion.app)
        if alarms is None or opinion.sentiment is None or not is_watched(alarms, "negative_feedback"):
            return Passing(time)
        language = opinion.comment.language if opinion.comment else None
        topic = opinion.comment.topic if opinion.comment else None
        policy = f"{opinion.policy.id}@{opinion.policy.version}"
        return Reading(
            str(opinion.feedback_id),
            opinion.app,
            opinion.conversation,
            time,
            {"negative_feedback": float(opinion.sentiment == "negative")},
            (NONE, policy, "feedback", language or NONE, NONE, opinion.reason or NONE, topic or NONE),
        )

    def _signals(self, alarms: Alarms) -> Sequence[Signal]:
        wanted = alarms.signals
        if wanted not in self._watched:
            self._watched[wanted] = tuple(s for s in SIGNALS.values() if is_watched(alarms, s.name))
        return self._watched[wanted]


def is_watched(alarms: Alarms, signal: SignalName) -> bool:
    """Whether the policy watches the signal."""
    return alarms.signals is None or signal in alarms.signals


def _topic(verdict: Verdict) -> str | None:
    return verdict.judgement.prompt.topic if verdict.judgement.prompt else None


def segments(verdict: Verdict) -> tuple[str, ...]:
    """The segment of each dimension that an event belongs to."""
    judgement = verdict.judgement
    sides = [side for side in (judgement.prompt, judgement.response) if side is not None]
    policy = f"{verdict.policy.id}@{verdict.policy.version}" if verdict.policy else NONE
    length = sum(len(side.text) for side in sides)
    worst = max(judgement.findings(), key=lambda each: (each.action.severity, each.score or 0.0), default=None)
    return (
        verdict.model or NONE,
        policy,
        verdict.stage,
        next((side.language for side in sides if side.language), NONE),
        next((name for high, name in _BANDS.items() if length < high), _LONG),
        f"{worst.guard}:{worst.label}" if worst else NONE,
        next((side.topic for side in sides if side.topic), NONE),
    )
