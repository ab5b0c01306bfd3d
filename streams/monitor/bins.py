"""Bins that are open: what came into each, kept apart by partition so that the sums never depend on who was faster."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from math import fsum
from typing import Final, TypeAlias

from monitors.alarms.bins import Bin
from monitors.alarms.tally import Tally, add, merged
from schemas.signal import UNUSUAL_TOPICS
from streams.monitor.readings import DIMENSIONS, Reading

EXAMPLES: Final = 3
_MOST_SEGMENTS: Final = 24
_MOST_KINDS: Final = 512
_REST: Final = "rest"
_APART: Final = DIMENSIONS.index("topic")
"""From this dimension on they are counted one by one: with them there would be too many kinds."""
_OF_THE_REST: Final = (_REST,) * _APART


@dataclass(frozen=True, slots=True)
class Example:
    """An event to look at: its value, its verdict, and its segments."""

    value: float
    unit: str
    segments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed bin of one series: for the alarm, and for telling what moved.

    ``topics`` are events by topic, where the value is whether that is a usual one.
    """

    bin: Bin
    tallies: tuple[Tally, ...] = ()
    highest: tuple[Example, ...] = ()
    lowest: tuple[Example, ...] = ()
    topics: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Series:
    """One series in one bin and partition.

    ``kinds`` has events and their sum by segments, all dimensions together but those of ``apart``.
    """

    conversations: dict[str, list[float]] = field(default_factory=dict)
    kinds: dict[tuple[str, ...], list[float]] = field(default_factory=dict)
    apart: dict[str, list[float]] = field(default_factory=dict)
    topics: dict[str, int] = field(default_factory=dict)
    highest: list[Example] = field(default_factory=list)
    lowest: list[Example] = field(default_factory=list)

    def add(self, reading: Reading, value: float) -> None:
        self.conversations.setdefault(reading.conversation, []).append(value)
        segments, topic = reading.segments[:_APART], reading.segments[_APART]
        kind = self.kinds.get(segments)
        if kind is None:
            known = len(self.kinds) < _MOST_KINDS
            kind = self.kinds.setdefault(segments if known else _OF_THE_REST, [0.0, 0.0])
        for sums in (kind, self.apart.setdefault(topic, [0.0, 0.0])):
            sums[0] += 1
            sums[1] += value
        if len(self.highest) < EXAMPLES or value > self.highest[-1].value:
            self.highest = _first([*self.highest, Example(value, reading.unit, reading.segments)], up=True)
        if len(self.lowest) < EXAMPLES or value < self.lowest[-1].value:
            self.lowest = _first([*self.lowest, Example(value, reading.unit, reading.segments)], up=False)

    @property
    def events(self) -> int:
        """How many there were."""
        return sum(map(len, self.conversations.values()))

    def join(self, other: "_Series", value: float) -> None:
        """Count the other's events too, with this value in place of theirs."""
        for conversation, values in other.conversations.items():
            self.conversations.setdefault(conversation, []).extend([value] * len(values))
        for kinds, others in ((self.kinds, other.kinds), (self.apart, other.apart)):
            for kind, (events, _) in others.items():
                sums = kinds.setdefault(kind, [0.0, 0.0])  # type: ignore[arg-type]  # each with keys of its own kind
                sums[0] += events
                sums[1] += events * value
        examples = [replace(each, value=value) for each in other.highest]
        self.highest = _first([*self.highest, *examples], up=True)
        self.lowest = _first([*self.lowest, *examples], up=False)

    def tally(self, place: int) -> Tally:
        """Events and their sum by the segments of one dimension."""
        found: Tally = {}
        counted = ((kind[place], sums) for kind, sums in self.kinds.items()) if place < _APART else self.apart.items()
        for segment, (events, total) in counted:
            add(found, segment, events, total)
        return found


UsualOf: TypeAlias = Callable[[str], Sequence[str]]
Apps: TypeAlias = dict[str, dict[str, _Series]]


@dataclass(slots=True)
class _Part:
    """One partition's part of an open bin."""

    units: set[str] = field(default_factory=set)
    apps: Apps = field(default_factory=dict)
    topics: Apps = field(default_factory=dict)


class OpenBins:
    """Readings by bin, partition, app and series."""

    def __init__(self) -> None:
        self._open: dict[int, dict[object, _Part]] = {}

    def add(self, number: int, partition: object, reading: Reading) -> bool:
        """Count the reading; False if the bin has it already."""
        part = self._open.setdefault(number, {}).setdefault(partition, _Part())
        if reading.unit in part.units:
            return False
        part.units.add(reading.unit)
        app = part.apps.setdefault(reading.app, {})
        for series, value in reading.values.items():
            app.setdefault(series, _Series()).add(reading, value)
        if reading.topic is not None:
            part.topics.setdefault(reading.app, {}).setdefault(reading.topic, _Series()).add(reading, 1.0)
        return True

    def numbers(self, upto: int) -> Sequence[int]:
        """The open bins up to this one, in order."""
        return sorted(number for number in self._open if number <= upto)

    def close(self, number: int, usual: UsualOf = lambda _: ()) -> Mapping[str, Mapping[str, Closed]]:
        """What came into the bin, by app and series; it is open no more. ``usual`` are an app's usual topics.

        Only now is it said which topics are: an open bin may have begun before that was known.
        """
        parts = [part for _, part in sorted(self._open.pop(number, {}).items(), key=lambda each: str(each[0]))]
        found: dict[str, dict[str, list[_Series]]] = {}
        for part in parts:
            for app, all_series in part.apps.items():
                for name, series in all_series.items():
                    found.setdefault(app, {}).setdefault(name, []).append(series)
            for app, topics in part.topics.items():
                found.setdefault(app, {}).setdefault(UNUSUAL_TOPICS, []).append(_unusual(topics, usual(app)))
        return {
            app: {name: _closed(number, series) for name, series in sorted(all_series.items())}
            for app, all_series in sorted(found.items())
        }


def _unusual(topics: Mapping[str, _Series], usual: Sequence[str]) -> _Series:
    found = _Series()
    for topic, series in sorted(topics.items()):
        found.join(series, float(topic not in usual))
        found.topics[topic] = series.events
    return found


def _closed(number: int, parts: Sequence[_Series]) -> Closed:
    conversations = [values for part in parts for values in part.conversations.values()]
    means = Counter(fsum(values) / len(values) for values in conversations)
    total = fsum(value for values in conversations for value in values)
    return Closed(
        Bin(number, sum(map(len, conversations)), total, tuple(sorted(means.items()))),
        tuple(_bounded(merged(part.tally(place) for part in parts)) for place in range(len(DIMENSIONS))),
        tuple(_first([each for part in parts for each in part.highest], up=True)),
        tuple(_first([each for part in parts for each in part.lowest], up=False)),
        dict(sorted(sum((Counter(part.topics) for part in parts), Counter[str]()).items())),
    )


def _bounded(tally: Tally) -> Tally:
    """The largest segments, and the rest as one: applications name models as they like."""
    if len(tally) <= _MOST_SEGMENTS:
        return tally
    kept = set(
        nsmallest(_MOST_SEGMENTS - 1, (name for name in tally if name != _REST), key=lambda n: (-tally[n][0], n))
    )
    return merged({name if name in kept else _REST: sums} for name, sums in _ordered(tally))


def _ordered(tally: Tally) -> Iterator[tuple[str, tuple[float, float]]]:
    yield from sorted(tally.items())


def _first(examples: list[Example], *, up: bool) -> list[Example]:
    sign = -1 if up else 1
    return nsmallest(EXAMPLES, examples, key=lambda each: (sign * each.value, each.unit))
