"""When a bin is complete, and where to begin again after an end. Pure.

Whether an event is late depends on what came before it *in its own partition* alone: its bin ended more than the
allowed lateness before the latest time that the partition had seen. A bin is closed once that holds for every partition
that has traffic, so which partition is read faster changes nothing. Partitions that have been silent for long hold
nobody up; what they may still bring for a closed bin is late by how far they had been read at that moment.

The bins that are open are nowhere but in the log: after an end every partition is read again from the first offset
that an open bin needs, with the watermark that it had there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from schemas.monitoring import PartitionProgress

_NEVER: Final = -(2**62)


@dataclass(frozen=True, slots=True)
class Terms:
    """``bin`` and ``lateness`` in milliseconds."""

    bin: int
    lateness: int


class Sight(NamedTuple):
    """What became of an event: the bin that it belongs to, and whether it is to be counted there."""

    number: int
    fate: Literal["open", "late", "known"]


@dataclass(slots=True)
class Partition:
    """One partition. Up to ``frontier`` everything was read once before and is only read again for open bins."""

    topic: str
    topic_id: str
    number: int
    next: int = 0
    watermark: int | None = None
    frontier: int = 0
    late: int = 0
    repeated: int = 0
    opened: dict[int, tuple[int, int | None]] = field(default_factory=dict)
    """For each open bin the offset of its first event here, and the watermark before it."""

    @classmethod
    def restored(cls, progress: PartitionProgress) -> "Partition":
        """As it is to be read again."""
        return cls(
            progress.topic,
            progress.topic_id,
            progress.partition,
            next=progress.resume,
            watermark=progress.resume_watermark,
            frontier=progress.next,
            late=progress.late,
            repeated=progress.repeated,
        )

    @property
    def key(self) -> tuple[str, int]:
        """Its name."""
        return (self.topic, self.number)

    def progress(self) -> PartitionProgress:
        """As it is to be remembered."""
        first = min(self.opened.values(), default=(self.next, self.watermark), key=lambda each: each[0])
        return PartitionProgress(
            topic=self.topic,
            topic_id=self.topic_id,
            partition=self.number,
            next=max(self.next, self.frontier),
            resume=first[0],
            watermark=self.watermark,
            resume_watermark=first[1],
            late=self.late,
            repeated=self.repeated,
        )

    def see(self, offset: int, time: int, closed: int | None, terms: Terms) -> Sight:
        """Take an event in; ``closed`` is the last bin that was closed."""
        number, before = time // terms.bin, self.watermark
        self.pass_by(time)
        done = self.complete(before, terms)
        if number <= max(_NEVER if closed is None else closed, _NEVER if done is None else done):
            if offset < self.frontier:
                return Sight(number, "known")  # it was counted, wherever it was, when it came first
            self.late += 1
            return Sight(number, "late")
        self.opened.setdefault(number, (offset, before))
        return Sight(number, "open")

    def pass_by(self, time: int) -> None:
        """Take the time of an event in that is not to be counted."""
        self.watermark = time if self.watermark is None else max(self.watermark, time)

    def repeat(self, offset: int) -> None:
        """Count an event that had come before."""
        if offset >= self.frontier:
            self.repeated += 1

    def close(self, upto: int) -> None:
        """Forget where bins began that are closed."""
        for number in [number for number in self.opened if number <= upto]:
            del self.opened[number]

    @staticmethod
    def complete(watermark: int | None, terms: Terms) -> int | None:
        """The last bin that is complete at a watermark."""
        return None if watermark is None else (watermark - terms.lateness) // terms.bin - 1


def closable(partitions: Iterable[Partition], silent: Sequence[tuple[str, int]], terms: Terms) -> int | None:
    """The last bin that every partition has completed, but for silent ones; None where all are silent."""
    held = [each for each in partitions if each.key not in silent]
    found = [Partition.complete(each.watermark, terms) for each in held]
    known = [number for number in found if number is not None]
    return min(known) if known and len(known) == len(found) else None
