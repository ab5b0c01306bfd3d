"""What is known about a change at the moment it is found: since when, how much, which segments, and examples. Pure."""

from collections.abc import Iterator, Sequence
from math import fsum
from typing import Final

from monitors.alarms.series import Baseline, Watch
from monitors.alarms.tally import Tally, merged, segments
from monitors.attribution import Change, Part, attributed, design_effect
from monitors.onset import onset
from schemas.alert import Direction
from streams.monitor.alarm import Fact, Facts
from streams.monitor.bins import Example
from streams.monitor.readings import DIMENSIONS
from streams.monitor.series import Memory, Recent

_PARTS: Final = 3
"""Segments told of a dimension."""
_WORTH: Final = 0.1
"""The share of the change that makes a segment worth telling."""
_MOST_EXAMPLES: Final = 5


def facts(memory: Memory, watch: Watch, direction: Direction) -> Facts:
    """What a page says. ``watch`` is the series as it was when it paged."""
    began = _began(watch, direction)
    after = [each for each in memory.recent if each.number >= began[0]] or list(memory.recent[-1:])
    before = [each for each in memory.recent if each.number < began[1]]
    changes = [_change(memory, watch.baseline, before, after, place) for place in range(len(DIMENSIONS))]
    told = [
        _fact(dimension, part, tallies)
        for dimension, (change, tallies) in zip(DIMENSIONS, changes, strict=True)
        for part in _worth(change)
    ]
    change = next((change.total for change, _ in changes if change is not None), None)
    events = sum(each.events for each in after)
    return Facts(
        began=began,
        value=_share(fsum(each.total for each in after), events),
        baseline=_share(fsum(each.events * (each.expected or 0.0) for each in after), events),
        visible=memory.visible,
        change=change,
        parts=tuple(told),
        examples=tuple(_examples(after, told, direction)),
    )


def _began(watch: Watch, direction: Direction) -> tuple[int, int, int]:
    """The likeliest first bin, the earliest and the latest: a block tells no more than that it was in it."""
    length, residuals = watch.baseline.block, (*watch.state.recent, *_unfinished(watch))
    found = onset([value for _, value in residuals], up=direction == "up")
    if found is None:
        return (watch.state.hour,) * 3
    return (
        residuals[found.likeliest][0] * length,
        residuals[found.earliest][0] * length,
        (residuals[found.latest][0] + 1) * length - 1,
    )


def _unfinished(watch: Watch) -> Iterator[tuple[int, float]]:
    """The residual so far of a block that is not complete: the fast lane does not wait for its end."""
    block, white = watch.state.pending, watch.baseline.whitening
    if block.events and block.number > watch.state.closed:
        z = white.standardised(block.events, block.total, block.expected / block.events)
        yield block.number, z - white.pull * watch.state.past


def _change(
    memory: Memory, baseline: Baseline, before: Sequence[Recent], after: Sequence[Recent], place: int
) -> tuple[Change | None, tuple[Tally, Tally]]:
    """The change, by the segments of one dimension."""
    old = merged([*(memory.before[place : place + 1]), *(each.tallies[place] for each in before)])
    new = merged(each.tallies[place] for each in after)
    conversations = max(1, round(baseline.conversations))
    design = design_effect(baseline.events, baseline.spread**2, baseline.profile.level, conversations)
    return attributed(segments(old, new, design)), (old, new)


def _worth(change: Change | None) -> Iterator[Part]:
    """The segments that explain most of it; of a dimension with one segment there is nothing to tell."""
    if change is None or len(change.parts) < 2:
        return
    for part in change.parts[:_PARTS]:
        if abs((part.within.value or 0.0) + part.mix) >= _WORTH * abs(change.total):
            yield part


def _fact(dimension: str, part: Part, tallies: tuple[Tally, Tally]) -> Fact:
    (n0, x0), (n1, x1) = (tally.get(part.name, (0.0, 0.0)) for tally in tallies)
    interval = part.within.interval
    return Fact(
        dimension=dimension,
        segment=part.name,
        within=part.within.value or 0.0,
        low=interval.low,
        high=interval.high,
        mix=part.mix,
        before=_share(x0, n0),
        after=_share(x1, n1),
        events=round(n1),
    )


def _examples(after: Sequence[Recent], told: Sequence[Fact], direction: Direction) -> Iterator[str]:
    """Ids of events that show the change, those of the segment that moved most first."""
    up = direction == "up"
    found = [example for each in after for example in (each.highest if up else each.lowest)]
    moved = max(told, key=lambda fact: abs(fact.within + fact.mix), default=None)
    place = next((place for place, name in enumerate(DIMENSIONS) if moved and name == moved.dimension), 0)

    def order(example: Example) -> tuple[bool, float, str]:
        elsewhere = moved is not None and example.segments[place] != moved.segment
        return elsewhere, -example.value if up else example.value, example.unit

    yield from dict.fromkeys(example.unit for example in sorted(found, key=order)[:_MOST_EXAMPLES])


def _share(total: float, events: float) -> float | None:
    """The mean, kept in [0, 1]; None of nothing."""
    return min(1.0, max(0.0, total / events)) if events else None
