"""One alarm for all series of an app: pages on their mean evidence, names the series that has most."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from monitors.alarms.series import State, lanes

NEVER: Final = 1e300
"""The threshold of a watch that pages through its app only: no evidence gets there, and JSON holds it."""


@dataclass(frozen=True, slots=True)
class AppPage:
    """Series by falling evidence; ``evidence`` is their mean. All are to be restarted (``series.restarted``)."""

    series: tuple[str, ...]
    evidence: float
    threshold: float


def evidence(state: State) -> float:
    """A series' evidence: the mean of its lanes."""
    found = lanes(state)
    return sum(found.values()) / len(found)


def app_page(states: Mapping[str, State], pages: float) -> AppPage | None:
    """The page after an hour that every series has taken in, for ``pages`` in 90 days over all of them.

    A mean of e-SR statistics is one (``evidence.py``), whatever series have to do with each other, so nothing is lost
    to a split of the budget where many move a little; where one moves alone it comes as soon (docs/statistics.md).
    """
    found = {name: evidence(state) for name, state in states.items()}
    mean = sum(found.values()) / max(len(found), 1)
    if mean < 1 / pages:
        return None
    return AppPage(tuple(sorted(found, key=lambda name: (-found[name], name))), mean, 1 / pages)
