"""Everything that is watched: readings go into bins, bins close, apps take them in. Pure but for its own memory."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from schemas.monitoring import SeriesBin
from schemas.policy import Alarms
from streams.monitor.alarm import Alarm
from streams.monitor.app import App, Step, Terms, bins_of, step, usual_topics
from streams.monitor.bins import OpenBins
from streams.monitor.readings import Passing, Reading
from streams.monitor.shards import Inheritance, Shard
from streams.monitor.watermarks import Partition, closable
from streams.monitor.watermarks import Terms as Timing

AlarmsOf = Callable[[str], Alarms | None]
"""What is watched of an app, by its policy in force; None for an app that no policy serves."""


@dataclass(frozen=True, slots=True)
class Told:
    """An alarm as it was after a bin."""

    number: int
    fingerprint: str
    alarm: Alarm


@dataclass(slots=True)
class Closing:
    """What became of bins that were closed together, by app: those that changed, their rows, alarms to tell of.

    Of an alarm every change of its state is told, and of each state the latest. ``failed`` are bins that the rules
    failed on, with the app and the error's type: the app is as it was before.
    """

    upto: int
    apps: dict[str, App] = field(default_factory=dict)
    rows: dict[str, dict[str, list[SeriesBin]]] = field(default_factory=dict)
    told: dict[str, list[Told]] = field(default_factory=dict)
    failed: list[tuple[str, int, str]] = field(default_factory=list)

    def add(self, name: str, number: int, step: Step) -> None:
        """Take in what a bin made of an app."""
        self.apps[name] = step.app
        for series, row in step.rows.items():
            self.rows.setdefault(name, {}).setdefault(series, []).append(row)
        for fingerprint, alarm in step.told.items():
            self._tell(self.told.setdefault(name, []), Told(number, fingerprint, alarm))

    @staticmethod
    def _tell(told: list[Told], new: Told) -> None:
        same = [place for place, each in enumerate(told) if each.fingerprint == new.fingerprint]
        if same and told[same[-1]].alarm.state == new.alarm.state:
            told[same[-1]] = new
        else:
            told.append(new)


class Watcher:
    """Watches from the state that it is given. Partitions are added before anything of theirs is read.

    ``apps`` are what a restart begins with, and what it is to be given; ``past`` says which bins are closed for which.
    """

    def __init__(
        self, timing: Timing, alarms: AlarmsOf, apps: Mapping[str, App] | None = None, past: Inheritance | None = None
    ) -> None:
        self.apps: dict[str, App] = dict(apps or {})
        self._past = Inheritance(Shard()) if past is None else past
        self.closed = self._past.closed
        self.partitions: dict[tuple[str, int], Partition] = {}
        self._timing = timing
        self._alarms = alarms
        self._bins = OpenBins()

    def follow(self, partitions: Iterable[Partition]) -> None:
        """Take partitions on, as they are to be read."""
        self.partitions.update({each.key: each for each in partitions})

    def read(self, key: tuple[str, int], offset: int, reading: Reading | Passing | None) -> None:
        """Take one message of a partition in; None for one that is no traffic."""
        partition = self.partitions[key]
        partition.next = offset + 1
        if reading is None:
            return
        if isinstance(reading, Passing):
            partition.pass_by(reading.time)
            return
        sight = partition.see(offset, reading.time, self.closed, self._timing)
        if sight.fate == "open" and not self._bins.add(sight.number, key, reading):
            partition.repeat(offset)

    def due(self, silent: Sequence[tuple[str, int]], now: int | None = None) -> int | None:
        """The last bin that can be closed and is not; None if there is none, or it is closed for some apps already.

        ``silent`` partitions hold nobody up. Where all are, bins end by the time ``now`` (milliseconds), if given.
        """
        found = closable(self.partitions.values(), silent, self._timing)
        if found is None and now is not None and len(silent) == len(self.partitions):
            found = Partition.complete(now, self._timing)
        if found is None or (self.closed is not None and found <= self.closed):
            return None
        furthest = self._past.furthest
        return None if furthest is not None and found < furthest else found

    def close(self, upto: int) -> Closing:
        """Close every bin up to this one, in order."""
        closing = Closing(upto)
        for number in self._numbers(upto):
            found = self._bins.close(number, self._usual)
            for name in sorted({*self.apps, *found}):
                if self._alarms(name) is None or self._was_closed(name, number):
                    continue
                before = self.apps.get(name, App())
                try:
                    taken = step(name, before, number, found.get(name, {}), self.terms(name))
                except Exception as error:  # noqa: BLE001 - one app's numbers must not stop what is said of the others
                    closing.failed.append((name, number, type(error).__name__))
                    continue
                if taken.app is not before:
                    closing.add(name, number, taken)
                    self.apps[name] = taken.app
        for partition in self.partitions.values():
            partition.close(upto)
        self.closed = upto
        return closing

    def _was_closed(self, name: str, number: int) -> bool:
        """Whether the shard that had the app before has closed the bin."""
        furthest = self._past.furthest
        if furthest is None or number > furthest:
            return False
        closed = self._past.closed_of(name)
        return closed is not None and number <= closed

    def _usual(self, name: str) -> Sequence[str]:
        return usual_topics(self.apps.get(name, App()))

    def _numbers(self, upto: int) -> Sequence[int]:
        """The bins to close, in order; the empty ones too, since traffic may have stopped."""
        first = self._bins.numbers(upto)[:1] if self.closed is None else [self.closed + 1]
        return range(first[0], upto + 1) if first else ()

    def terms(self, name: str) -> Terms:
        """What the app's policy asks for; the defaults of one where no policy serves it any more."""
        alarms = self._alarms(name) or Alarms()
        since = None if alarms.learn_from is None else self.number(alarms.learn_from)
        return Terms(alarms.pages, bins_of(alarms.reference_days), since)

    def number(self, moment: datetime) -> int:
        """The bin of a moment."""
        return round(moment.timestamp() * 1000) // self._timing.bin
