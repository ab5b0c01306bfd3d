"""One series of an app: learns, is watched, and remembers what it takes to tell what moved. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from monitors.alarms.app import NEVER, evidence
from monitors.alarms.bins import DAY, Bin, Summary
from monitors.alarms.series import Baseline, Watch, begin, learn, step
from monitors.alarms.tally import Tally, faded, merged
from monitors.alarms.visible import visible_shift
from schemas.monitoring import Phase, SeriesBin
from streams.monitor.bins import Closed, Example
from streams.monitor.readings import DIMENSIONS, NONE

RECENT: Final = 168
"""Bins of which segments are kept one by one."""
_WITH_EXAMPLES: Final = 48
_FADE: Final = 1 - 1 / 672  # what is older than four weeks counts for little
_LEAST_EVENTS: Final = 0.5
_USUAL: Final = 0.8
_LEAST_STUDIED: Final = 200


@dataclass(frozen=True, slots=True)
class Recent:
    """A bin that is not long ago. ``expected`` is the rate that the baseline had for it."""

    number: int
    events: int
    total: float
    expected: float | None
    tallies: tuple[Tally, ...]
    highest: tuple[Example, ...]
    lowest: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Usual:
    """Which topics an app's prompts are usually about: events by topic since a bin, and once enough came, the names."""

    since: int
    counts: Mapping[str, int] = field(default_factory=dict)
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """All that is known of a series. ``before`` are the segments of bins that are no longer among the ``recent``.

    ``history`` are the bins of a reference, the latest last; ``since`` is the first bin that may be one of them. The
    series of unusual topics begins once ``usual`` has names.
    """

    history: tuple[Summary, ...] = ()
    since: int | None = None
    watch: Watch | None = None
    visible: float | None = None
    before: tuple[Tally, ...] = ()
    recent: tuple[Recent, ...] = ()
    usual: Usual | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A series after a bin, and the bin's own row."""

    memory: Memory
    row: SeriesBin


def take(memory: Memory, name: str, closed: Closed, reference: int, *, calm: bool) -> Taken:
    """Take a closed bin in; ``reference`` is how many bins to learn from, ``calm`` whether no alarm is open."""
    found = closed.bin
    watch = memory.watch
    expected = None if watch is None else watch.baseline.profile.of(found.hour)
    if watch is not None:
        watch = step(watch, found).watch
    # A day more, so that a reference that begins or ends in a quiet night is not too short.
    history = (*(h for h in memory.history if h.hour > found.hour - reference - DAY), found.summary)
    since = found.hour if memory.since is None else memory.since
    memory = replace(_remember(memory, closed, expected, calm=calm), history=history, since=since, watch=watch)
    row = _row(found, expected, None if watch is None else evidence(watch.state))
    if watch is None and _length(memory) >= reference:
        memory = taught(memory, name)
    return Taken(memory, row)


def studied(memory: Memory, topics: Mapping[str, int], number: int, reference: int) -> Memory:
    """The series with a bin's topics, from which it is learnt what is usual: the largest that make up four fifths.

    It takes half a reference, and 200 events. The level of the series is learnt from what comes *after* that: a choice
    fits the events that it was made by too well.
    """
    usual = memory.usual or Usual(number)
    counts = {name: usual.counts.get(name, 0) + topics.get(name, 0) for name in sorted({*usual.counts, *topics})}
    total, names, covered = sum(counts.values()), list[str](), 0
    if 2 * (number - usual.since + 1) >= reference and total >= _LEAST_STUDIED:
        for name in sorted(counts, key=lambda each: (-counts[each], each)):
            if covered < _USUAL * total:
                names.append(name)
                covered += counts[name]
    return replace(memory, usual=Usual(usual.since, counts, tuple(sorted(names))))


def series_name(app: str, series: str) -> str:
    """The name by which ties of the series are broken."""
    return f"{app}/{series}"


def phase(memory: Memory, *, silent: bool) -> Phase:
    """What it is doing."""
    if memory.watch is None:
        return "learning"
    return "silent" if silent else "watching"


def learnt(memory: Memory, reference: int) -> float:
    """The share of the reference that there is."""
    if memory.watch is not None:
        return 1.0
    return min(1.0, _length(memory) / reference)


def forgotten(memory: Memory, since: int) -> Memory:
    """The series with nothing but the bins from ``since`` on: it learns anew, and anew what is usual."""
    if memory.usual is not None:
        return Memory()
    history = tuple(each for each in memory.history if each.hour >= since)
    return Memory(history=history, since=since, before=memory.before, recent=memory.recent)


def taught(memory: Memory, name: str) -> Memory:
    """The series, watched from the end of its history on if that is enough to learn from. ``name`` is its own."""
    found = learn(memory.history)
    if not isinstance(found, Baseline):
        return memory
    return replace(memory, watch=begin(name, found, NEVER, memory.history[-1].hour))


def with_visible(memory: Memory, threshold: float) -> Memory:
    """The series with the shift that it can see beside others, where the mean of all of them pages."""
    if memory.watch is None:
        return memory
    return replace(memory, visible=visible_shift(memory.watch.baseline, threshold, RECENT))


def completed(memory: Memory) -> Memory:
    """The series with every dimension, those too that there were not yet when it was written."""
    if all(len(each.tallies) == len(DIMENSIONS) for each in memory.recent):
        return memory
    recent = tuple(
        replace(
            each,
            tallies=_padded(each.tallies),
            highest=tuple(replace(e, segments=_named(e.segments)) for e in each.highest),
            lowest=tuple(replace(e, segments=_named(e.segments)) for e in each.lowest),
        )
        for each in memory.recent
    )
    return replace(memory, before=_padded(memory.before) if memory.before else (), recent=recent)


def _padded(tallies: tuple[Tally, ...]) -> tuple[Tally, ...]:
    return (*tallies, *({} for _ in DIMENSIONS[len(tallies) :]))


def _named(segments: tuple[str, ...]) -> tuple[str, ...]:
    return (*segments, *(NONE for _ in DIMENSIONS[len(segments) :]))


def _length(memory: Memory) -> int:
    """Bins since the first one."""
    return memory.history[-1].hour - memory.since + 1 if memory.history and memory.since is not None else 0


def _remember(memory: Memory, closed: Closed, expected: float | None, *, calm: bool) -> Memory:
    """The bin joins the recent ones; the eldest goes to what was before, unless an alarm may be about it."""
    found = closed.bin
    new = Recent(found.hour, found.events, found.total, expected, closed.tallies, closed.highest, closed.lowest)
    recent = (*memory.recent, new)
    before = memory.before or tuple({} for _ in DIMENSIONS)
    while len(recent) > RECENT:
        if calm:
            kept = (faded(tally, _FADE, _LEAST_EVENTS) for tally in before)
            before = tuple(merged(pair) for pair in zip(kept, recent[0].tallies, strict=True))
        recent = recent[1:]
    if len(recent) > _WITH_EXAMPLES:
        old = -_WITH_EXAMPLES - 1
        recent = (*recent[:old], replace(recent[old], highest=(), lowest=()), *recent[old + 1 :])
    return replace(memory, before=before, recent=recent)


def _row(found: Bin, expected: float | None, seen: float | None) -> SeriesBin:
    summary = found.summary
    return SeriesBin(
        number=found.hour,
        events=found.events,
        total=found.total,
        conversations=summary.conversations,
        sum_of_means=summary.first,
        sum_of_squares=summary.second,
        expected=expected,
        evidence=seen,
    )
