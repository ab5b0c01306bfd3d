"""How much of a signal each segment of the traffic had, for telling what moved."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from monitors.attribution import Segment

Tally: TypeAlias = dict[str, tuple[float, float]]
"""Events and the sum of their values, by segment."""


def add(tally: Tally, segment: str, events: float, total: float) -> None:
    """Count events of a segment."""
    before = tally.get(segment, (0.0, 0.0))
    tally[segment] = (before[0] + events, before[1] + total)


def merged(tallies: Iterable[Mapping[str, tuple[float, float]]]) -> Tally:
    """All of them together, summed in the order given."""
    found: Tally = {}
    for tally in tallies:
        for segment, (events, total) in tally.items():
            add(found, segment, events, total)
    return found


def faded(tally: Mapping[str, tuple[float, float]], by: float, least: float) -> Tally:
    """What is left of it after some time; segments with fewer than ``least`` events are forgotten."""
    return {name: (events * by, total * by) for name, (events, total) in tally.items() if events * by >= least}


def segments(before: Tally, after: Tally, design: float) -> dict[str, Segment]:
    """Both sides, segment by segment, as ``attribution.attributed`` takes them."""
    nothing = (0.0, 0.0)
    found = {}
    for name in dict.fromkeys([*before, *after]):
        (n0, x0), (n1, x1) = before.get(name, nothing), after.get(name, nothing)
        found[name] = Segment(n0, x0, n1, x1, design)
    return found
