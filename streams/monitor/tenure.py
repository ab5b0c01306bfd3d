"""One process's time as the one that watches: from taking over to the first thing that goes wrong.

What a closed bin made of the state, the alerts that it led to and how far everything was read for it are written in one
transaction. Bins that are open are nowhere but in the log, from which they are read again.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from confluent_kafka import TopicPartition

from schemas.codec import Message, decode
from schemas.errors import ConfigError, UnavailableError, UnreadableError
from schemas.feedback import Opinion
from schemas.monitoring import MonitorProgress, MonitorState
from schemas.topics import MONITOR_STATE, OPINIONS, VERDICTS, Topic
from schemas.verdict import Verdict
from streams.kafka.admin import Place
from streams.kafka.consumer_groups import monitor_group
from streams.kafka.membership import Membership
from streams.kafka.topic_descriptions import TopicDescriber, TopicDescription, described
from streams.kafka.transactions import Transactions
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.monitor.app import App
from streams.monitor.feed import Feed, states
from streams.monitor.publishing import Scribe
from streams.monitor.readings import Reader, Reading
from streams.monitor.records import Restored
from streams.monitor.reference import read_reference
from streams.monitor.telling import Links, Teller
from streams.monitor.watcher import AlarmsOf, Watcher
from streams.monitor.watermarks import Partition, Terms
from streams.settings import Settings

INPUTS: Final[tuple[Topic, ...]] = (VERDICTS, OPINIONS)
_ALL_SILENT: Final = 6
"""When everything is silent for so many times as long as one partition may be, bins end by the clock."""
_UNUSED_SECONDS: Final = 2.0
_AT_ONCE: Final = 1_000
_WAIT_SECONDS: Final = 0.2
_CHECK_SECONDS: Final = 30.0
_NOTE_SECONDS: Final = 5.0
_log = get_logger("streams.monitor")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a tenure is given."""

    settings: Settings
    metrics: Metrics
    alarms: AlarmsOf
    membership: Membership
    clock: Callable[[], float] = time.time


class Tenure:
    """Takes over, then turns, as ``streams.kafka.leading`` says.

    Raises, from ``begin``:
        ConfigError: the state was made with other bins, or the reference cannot be read.
    """

    def __init__(self, given: Surroundings) -> None:
        settings = given.settings
        self._given = given
        self._bin = round(settings.monitor_bin_seconds * 1000)
        self._timing = Terms(self._bin, round(settings.monitor_lateness_seconds * 1000))
        self._describer = TopicDescriber(settings)
        self._transactions = Transactions(settings, monitor_group(settings))
        self._feed = Feed(settings)
        self._reader = Reader(given.alarms, settings.monitor_clock)
        links = Links(settings.runbook_url, settings.dashboard_url)
        teller = Teller(self._bin, links)
        self._scribe = Scribe(settings.topics, teller, settings.monitor_bin_seconds, settings.monitor_clock)
        self._topics: Mapping[str, TopicDescription] = {}
        self._checked = self._noted = 0.0
        self.turns = 0

    def begin(self) -> None:
        """Depose whoever watched before, restore the state, and start to read the inputs."""
        settings = self._given.settings
        reference = read_reference(settings.monitor_reference, settings.monitor_bin_seconds)
        self._transactions.open()
        self._topics = self._described()
        restored = self._restore()
        progress = restored.progress
        self._check_bins(progress)
        apps = _with_reference(restored.apps(), reference)
        self._watcher = Watcher(self._timing, self._given.alarms, apps, progress.closed if progress else None)
        known = {each.key: each for each in restored.partitions()}
        self._watcher.follow(
            self._partition(topic, n, known) for topic in self._topics.values() for n in _numbers(topic)
        )
        self._feed.begin({Place(*key): each.next for key, each in self._watcher.partitions.items()})
        self._measure()

    def close(self) -> None:
        """Let go of every connection."""
        for part in (self._feed, self._transactions, self._describer):
            part.close()

    def turn(self) -> None:
        """Count what has come, and close the bins that are complete."""
        for message in self._feed.poll(_WAIT_SECONDS, _AT_ONCE):
            self._watcher.read((message.topic, message.partition), message.offset, self._reading(message))
        upto = self._watcher.due([*self._silent(self._idle), *self._unused()], self._end_of_time())
        if upto is not None:
            self._close(upto)
        self.turns += 1
        if time.monotonic() - self._noted > _NOTE_SECONDS:
            self._note()
        if time.monotonic() - self._checked > _CHECK_SECONDS and self._described() != self._topics:
            raise UnavailableError("the topics have changed")

    @property
    def _idle(self) -> float:
        return self._given.settings.monitor_idle_seconds

    def _silent(self, seconds: float) -> Sequence[tuple[str, int]]:
        return [(place.topic, place.partition) for place in self._feed.silent(seconds)]

    def _unused(self) -> Iterator[tuple[str, int]]:
        """The partitions of inputs that have never had anything: an app without feedback waits for none."""
        quiet = set(self._silent(min(self._idle, _UNUSED_SECONDS)))
        for topic in self._topics:
            mine = [each for each in self._watcher.partitions.values() if each.topic == topic]
            if all(each.watermark is None and each.key in quiet for each in mine):
                yield from (each.key for each in mine)

    def _end_of_time(self) -> int | None:
        """The time by which bins end where all has been silent for long; None where it has not, or the clock is theirs.

        A worker that is down for a while is no end of traffic: what it was to judge is still to come.
        """
        patience = self._idle * _ALL_SILENT
        silent = len(self._silent(patience)) == len(self._watcher.partitions)
        if self._given.settings.monitor_clock == "event" or not silent:
            return None
        return round((self._given.clock() - patience) * 1000)

    def _close(self, upto: int) -> None:
        start = time.perf_counter()
        closing = self._watcher.close(upto)
        for app, number, error in closing.failed:
            _log.error("the rules failed on a bin", app=app, bin=number, error=error)
            self._given.metrics.unwatched.labels("failed").inc()
        now = datetime.fromtimestamp(self._given.clock(), UTC)
        publications = tuple(self._scribe.publications(self._watcher, closing, now))
        self._transactions.write(publications, (), self._given.membership.metadata)
        metrics = self._given.metrics
        metrics.close_seconds.observe(time.perf_counter() - start)
        metrics.bins_closed.inc()
        for app, told in closing.told.items():
            for each in told:
                metrics.alerts_told.labels(app, each.alarm.state).inc()
        self._measure()

    def _reading(self, message: Message) -> Reading | None:
        """The message as it is counted. One that cannot be read is a dead letter of the writer to the store."""
        try:
            if message.topic == self._given.settings.topics.of(OPINIONS):
                found = self._reader.hear(decode(message, Opinion, OPINIONS.type_name).record)
            else:
                found = self._reader.read(decode(message, Verdict, VERDICTS.type_name).record)
        except UnreadableError:
            self._given.metrics.unwatched.labels("unreadable").inc()
            return None
        if found is None:
            self._given.metrics.unwatched.labels("no traffic").inc()
        else:
            self._given.metrics.readings.inc()
        return found

    def _restore(self) -> Restored:
        start, restored, records = time.monotonic(), Restored(), 0
        for message in states(self._given.settings, self._given.membership.beat):
            records += 1
            try:
                restored.take(decode(message, MonitorState, MONITOR_STATE.type_name).record)
            except (UnreadableError, ValueError):
                _log.error("a state cannot be read", partition=message.partition, offset=message.offset)
        self._given.metrics.restores.inc()
        apps = len({*restored.heads, *restored.series})
        _log.info("restored", records=records, apps=apps, seconds=round(time.monotonic() - start, 3))
        return restored

    def _check_bins(self, progress: MonitorProgress | None) -> None:
        settings = self._given.settings
        if progress is None:
            return
        if progress.bin_seconds != settings.monitor_bin_seconds:
            said = f"the state was made with bins of {progress.bin_seconds:g} seconds"
            raise ConfigError(said, field="WEIR_MONITOR_BIN_SECONDS")
        if progress.clock != settings.monitor_clock:
            raise ConfigError(f"the state was made by the clock {progress.clock!r}", field="WEIR_MONITOR_CLOCK")

    def _partition(self, topic: TopicDescription, number: int, known: Mapping[tuple[str, int], Partition]) -> Partition:
        """The partition as it was; from its beginning if it is new, or the topic was created anew."""
        found = known.get((topic.name, number))
        if found is not None and found.topic_id == topic.topic_id:
            return found
        return Partition(topic.name, topic.topic_id, number)

    def _note(self) -> None:
        self._noted = time.monotonic()
        places = self._watcher.partitions.values()
        self._given.membership.note([TopicPartition(each.topic, each.number, each.next) for each in places])

    def _measure(self) -> None:
        phases = {"learning": 0, "watching": 0}
        for app in self._watcher.apps.values():
            for memory in app.series.values():
                phases["learning" if memory.watch is None else "watching"] += 1
        for phase, count in phases.items():
            self._given.metrics.series_known.labels(phase).set(count)
        for reason in ("late", "repeated"):
            total = sum(getattr(each, reason) for each in self._watcher.partitions.values())
            self._given.metrics.passed_over.labels(reason).set(total)

    def _described(self) -> Mapping[str, TopicDescription]:
        """The inputs as they are. Offsets mean nothing in a topic created anew; a new partition has to be read."""
        self._checked = time.monotonic()
        return described(self._describer, map(self._given.settings.topics.of, INPUTS))


def _numbers(topic: TopicDescription) -> range:
    return range(topic.partitions)


def _with_reference(apps: Mapping[str, App], reference: Mapping[str, App]) -> Mapping[str, App]:
    """The apps, with the recorded past of those that have none."""
    return {**reference, **apps}
