"""The metrics of all processes at one moment, and what has changed since an earlier one. Pure but for the fetching."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import httpx
from prometheus_client.parser import text_string_to_metric_families

Labels: TypeAlias = frozenset[tuple[str, str]]
Values: TypeAlias = Mapping[tuple[str, Labels], float]
"""Values by the name of the sample, as the page has it, and its labels."""

_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What each process said, by its name; those that did not answer are ``down``. ``at`` is in seconds."""

    at: float
    processes: Mapping[str, Values]
    down: frozenset[str] = frozenset()


def read_page(text: str) -> Values:
    """The values of a metrics page. Raises ValueError: it is none."""
    families = text_string_to_metric_families(text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value for each in families for sample in each.samples
    }


def take_sample(urls: Mapping[str, str], clock: Callable[[], float]) -> Sample:
    """Ask every page once."""
    found: dict[str, Values] = {}
    with httpx.Client(timeout=_SECONDS) as client:
        for name, url in urls.items():
            try:
                found[name] = read_page(client.get(url).raise_for_status().text)
            except (httpx.HTTPError, ValueError):
                continue
    return Sample(clock(), found, frozenset(urls.keys() - found.keys()))


@dataclass(frozen=True)
class Change:
    """Two samples, and what happened between them. Over all processes: a process that started anew began at 0."""

    before: Sample
    now: Sample
    seconds: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "seconds", max(self.now.at - self.before.at, 1e-9))

    def gauge(self, name: str, **labels: str) -> float:
        """The value now, summed."""
        return sum(value for found, value in self._values(self.now, name, labels))

    def rate(self, name: str, **labels: str) -> float:
        """How much a counter grew, a second."""
        return sum(growth for _, growth in self._growth(name, labels)) / self.seconds

    def shares(self, name: str, by: str, **labels: str) -> Mapping[str, float]:
        """The growth of a counter a second, by the values of one label; those that stood still are left out."""
        found: dict[str, float] = {}
        for held, growth in self._growth(name, labels):
            key = dict(held).get(by, "")
            found[key] = found.get(key, 0.0) + growth / self.seconds
        return {key: rate for key, rate in sorted(found.items()) if rate > 0}

    def labels(self, name: str, of: str) -> Sequence[str]:
        """The values of one label that there are, in order."""
        return sorted({dict(held).get(of, "") for held, _ in self._growth(name, {})})

    def quantile(self, share: float, name: str, **labels: str) -> float | None:
        """A quantile of what a histogram took in meanwhile, within its bucket by proportion; None of nothing."""
        buckets: dict[float, float] = {}
        for held, growth in self._growth(f"{name}_bucket", labels):
            bound = float(dict(held)["le"])
            buckets[bound] = buckets.get(bound, 0.0) + growth
        total = buckets.get(math.inf, 0.0)
        if total <= 0:
            return None
        lower = below = 0.0
        for bound, count in sorted(buckets.items()):
            if count >= share * total:
                return (
                    lower if math.isinf(bound) else lower + (bound - lower) * (share * total - below) / (count - below)
                )
            lower, below = bound, count
        return lower

    def _growth(self, name: str, labels: Mapping[str, str]) -> Iterator[tuple[Labels, float]]:
        for process, values in self.now.processes.items():
            earlier = self.before.processes.get(process, {})
            for (found, held), value in values.items():
                if found == name and labels.items() <= dict(held).items():
                    was = earlier.get((found, held), 0.0)
                    yield held, value - was if value >= was else value

    @staticmethod
    def _values(sample: Sample, name: str, labels: Mapping[str, str]) -> Iterator[tuple[Labels, float]]:
        for values in sample.processes.values():
            for (found, held), value in values.items():
                if found == name and labels.items() <= dict(held).items():
                    yield held, value
