"""Monitors that share the work: each takes the apps whose hash falls to it, and goes on from where others were. Pure.

An app is watched by one process: its budget and its alarms are one. Hashes lie in equal ranges, a range a shard. What
was last said of a part of them counts, by whatever number of shards it was said: from that a new shard goes on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from schemas.monitoring import MonitorProgress, PartitionProgress
from streams.monitor.watermarks import Partition

_BITS: Final = 64
Span = tuple[int, int]
"""Hashes from the first up to before the second."""


@lru_cache(maxsize=4096)
def place_of(app: str) -> int:
    """The app's place among all hashes."""
    return int.from_bytes(blake2b(app.encode("utf-8", "surrogatepass"), digest_size=8).digest())


@dataclass(frozen=True, slots=True)
class Shard:
    """One of ``count`` equal shares of the apps."""

    number: int = 0
    count: int = 1

    def owns(self, app: str) -> bool:
        """Whether the app is this one's."""
        return (place_of(app) * self.count) >> _BITS == self.number

    @property
    def span(self) -> Span:
        """Its hashes."""
        first, behind = (-((-each << _BITS) // self.count) for each in (self.number, self.number + 1))
        return first, behind


def shard_of(progress: MonitorProgress) -> Shard:
    """The shard that came so far."""
    return Shard(progress.shard, progress.shards)


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What was last said of a shard's hashes, the latest first; ``whole`` if it is all of them."""

    heir: Shard
    said: tuple[MonitorProgress, ...] = ()
    whole: bool = False

    @property
    def closed(self) -> int | None:
        """The last bin that is closed for all of the shard's apps."""
        return min(self._bins, default=None) if self.whole and len(self._bins) == len(self.said) else None

    @property
    def furthest(self) -> int | None:
        """The last bin that is closed for any. No bin before it may be the last one of a closing."""
        return max(self._bins, default=None)

    def closed_of(self, app: str) -> int | None:
        """The last bin that is closed for the app."""
        return next((each.closed for each in self.said if shard_of(each).owns(app)), None)

    def partition(self, topic: str, topic_id: str, number: int) -> Partition:
        """The partition as it is to be read: from the first offset that an app's open bins need.

        From its beginning where a part of the apps has none, it is new, or the topic was created anew. What was late
        is counted on by the same shard only.
        """
        places = (_place(each, topic, topic_id, number) for each in self.said)
        found = [each for each in places if each is not None]
        if not self.whole or len(found) < len(self.said):
            return Partition(topic, topic_id, number)
        partition = Partition.restored(min(found, key=lambda each: each.resume))
        if [shard_of(each) for each in self.said] != [self.heir]:
            partition.frontier = max(each.next for each in found)
            partition.late = partition.repeated = 0
        return partition

    @property
    def _bins(self) -> Sequence[int]:
        return [each.closed for each in self.said if each.closed is not None]


def inherited(heir: Shard, said: Sequence[MonitorProgress]) -> Inheritance:
    """What the shard goes on from; ``said`` is all that was ever said last by a shard, in order."""
    left, found = [heir.span], []
    for each in reversed(said):
        rest = _without(left, shard_of(each).span)
        if rest != left:
            left = rest
            found.append(each)
    return Inheritance(heir, tuple(found), whole=not left)


def rivals(own: Shard, claims: Mapping[int, int]) -> Sequence[int]:
    """The shards whose last holder shared the work among another number; ``claims`` are numbers by shard."""
    return sorted(number for number, count in claims.items() if number != own.number and count != own.count)


def _without(spans: Iterable[Span], taken: Span) -> list[Span]:
    parts = [
        part
        for first, behind in spans
        for part in ((first, min(behind, taken[0])), (max(first, taken[1]), behind))
        if part[0] < part[1]
    ]
    return sorted(parts)


def _place(progress: MonitorProgress, topic: str, topic_id: str, number: int) -> PartitionProgress | None:
    key = (topic, topic_id, number)
    return next((each for each in progress.partitions if (each.topic, each.topic_id, each.partition) == key), None)
