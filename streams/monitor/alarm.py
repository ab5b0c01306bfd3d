"""One alarm of an app and its way from the first doubt to the proof that it is over. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Final, TypeAlias

from monitors.alarms import recovery
from monitors.alarms.bins import Bin
from monitors.alarms.recovery import Recovery, recovering
from schemas.alert import AlertState, Direction

SOON: Final = 24
"""An alarm that comes back within so many bins is the same one, and is harder to resolve each time."""
_AT_LEAST: Final = 2
_MOST_FLAPS: Final = 6

NO_TRAFFIC: Final = "traffic"
"""The series of the alarm that an app's traffic has stopped."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is said of an alarm beside its state: see ``schemas.alert.Alert``. Bins are numbers, parts plain values."""

    began: tuple[int, int, int] | None = None
    value: float | None = None
    baseline: float | None = None
    visible: float | None = None
    change: float | None = None
    parts: tuple["Fact", ...] = ()
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A segment's part in the change, as ``schemas.alert.AlertPart``."""

    dimension: str
    segment: str
    within: float
    low: float
    high: float
    mix: float
    before: float | None
    after: float | None
    events: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm. Bins are numbers of bins; ``since`` is the one in which it entered its state.

    ``resolved`` is when it was last resolved after a page, which is not forgotten while it may come back.
    ``recoveries`` has an entry for each series that moved; all have to be proven before the alarm is resolved.
    """

    series: str
    direction: Direction | None
    state: AlertState
    started: int
    since: int
    updated: int
    fired: int | None = None
    ended: int | None = None
    resolved: int | None = None
    evidence: float = 0.0
    also: tuple[str, ...] = ()
    flaps: int = 0
    facts: Facts = field(default_factory=Facts)
    recoveries: Mapping[str, Recovery] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether it waits for an end."""
        return self.state != "resolved"

    @property
    def has_fired(self) -> bool:
        """Whether it paged, and is not over."""
        return self.is_open and self.fired is not None

    def concerns(self, series: str) -> bool:
        """Whether it is about the series."""
        return series == self.series or series in self.also


Alarms: TypeAlias = Mapping[str, Alarm]
"""Alarms by fingerprint."""


def fingerprint(app: str, series: str, direction: Direction | None) -> str:
    """The same for the same alarm, whenever it comes."""
    return blake2b(f"{app}\0{series}\0{direction}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def pending(series: str, direction: Direction, number: int, evidence: float) -> Alarm:
    """A doubt."""
    return Alarm(series, direction, "pending", number, number, number, evidence=evidence)


def fired(before: Alarm | None, new: Alarm) -> Alarm:
    """The alarm that pages: a doubt goes on, and one that is back soon after its end remembers that."""
    flaps = 0
    if before is not None:
        if before.state == "pending":
            new = replace(new, started=before.started)
        if before.resolved is not None and new.since - before.resolved <= SOON:
            flaps = before.flaps + 1
    threshold = recovery.BINS * 2 ** min(flaps, _MOST_FLAPS)
    recoveries = {name: replace(each, threshold=threshold) for name, each in new.recoveries.items()}
    return replace(new, flaps=flaps, recoveries=recoveries)


def confirmed(alarm: Alarm, new: Alarm) -> Alarm:
    """An open alarm whose series have paged again: nothing new to be told of, but no end in sight either."""
    also = tuple(dict.fromkeys((*alarm.also, *(name for name in (new.series, *new.also) if name != alarm.series))))
    threshold = max((each.threshold for each in alarm.recoveries.values()), default=recovery.BINS)
    found = {name: replace(each, threshold=threshold) for name, each in new.recoveries.items()}
    recoveries = {**alarm.recoveries, **found}
    return replace(alarm, also=also, recoveries=recoveries, updated=new.updated, evidence=new.evidence, facts=new.facts)


@dataclass(frozen=True, slots=True)
class Seen:
    """A closed bin of a series, with what its baseline expects of it, and its mean level."""

    bin: Bin
    expected: float
    level: float


def recovered(alarm: Alarm, number: int, seen: Mapping[str, Seen]) -> Alarm:
    """An alarm that has fired, after a bin: resolved once every series that moved has proven that it is back."""
    recoveries = {
        name: recovering(state, seen[name].bin, seen[name].expected, seen[name].level) if name in seen else state
        for name, state in alarm.recoveries.items()
    }
    alarm = replace(alarm, recoveries=recoveries, updated=number)
    over = all(each.proven for each in recoveries.values()) and number - (alarm.fired or number) >= _AT_LEAST
    return ended(alarm, number) if over else alarm


def ended(alarm: Alarm, number: int) -> Alarm:
    """The alarm, resolved."""
    resolved = alarm.resolved if alarm.fired is None else number
    return replace(alarm, state="resolved", since=number, ended=number, resolved=resolved, updated=number)


def silenced(alarm: Alarm, number: int) -> Alarm:
    """The alarm while there is no traffic to judge by."""
    return replace(alarm, state="no_data", since=number, updated=number)


def resumed(alarm: Alarm, number: int) -> Alarm:
    """The alarm once there is traffic again: it fires as before."""
    return replace(alarm, state="firing", since=number, updated=number)
