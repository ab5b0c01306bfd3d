"""One process's time as the one that watches a shard: from taking over to the first thing that goes wrong.

What a closed bin made of the state, the alerts that it led to and how far everything was read for it are written in one
transaction. Bins that are open are nowhere but in the log, from which they are read again.

Monitors share the apps (``shards.py``). Who takes a shard over first writes that it holds it, among how many, and reads
``monitor-state`` up to that. Whoever holds another shard among another number has claimed that before, and is deposed
here before the state is read; or claims it later, reads of this one, and deposes it. So no app is counted by two.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from confluent_kafka import TopicPartition

from schemas.codec import Message, decode
from schemas.errors import ConfigError, UnavailableError, UnreadableError
from schemas.feedback import Opinion
from schemas.monitoring import MonitorState
from schemas.topics import MONITOR_STATE, OPINIONS, VERDICTS, Topic
from schemas.traffic import read_traffic
from schemas.verdict import Verdict
from streams.kafka.consumer_groups import monitor_group
from streams.kafka.membership import Membership
from streams.kafka.place import Place
from streams.kafka.topic_descriptions import TopicDescriber, TopicDescription, described
from streams.kafka.transactions import DeposedError, Transactions
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.monitor.app import App
from streams.monitor.feed import Feed, states
from streams.monitor.publishing import Scribe
from streams.monitor.readings import Passing, Reader, Reading
from streams.monitor.records import Restored
from streams.monitor.reference import read_reference
from streams.monitor.shards import Inheritance, Shard, inherited, rivals
from streams.monitor.telling import Links, Teller
from streams.monitor.watcher import AlarmsOf, Watcher
from streams.monitor.watermarks import Terms
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
    process: str = field(default_factory=lambda: str(uuid4()))


class Tenure:
    """Takes over, then turns, as ``streams.kafka.leading`` says.

    Raises, from ``begin``:
        ConfigError: the state was made with other bins, or the reference cannot be read.
        DeposedError: since this process first held the shard others share the work among another number.
    """

    def __init__(self, given: Surroundings) -> None:
        settings = given.settings
        self._given = given
        self._bin = round(settings.monitor_bin_seconds * 1000)
        self._timing = Terms(self._bin, round(settings.monitor_lateness_seconds * 1000))
        self._describer = TopicDescriber(settings)
        self._shard = Shard(settings.monitor_shard, settings.monitor_shards)
        self._transactions = Transactions(settings, monitor_group(settings, self._shard.number))
        self._feed = Feed(settings)
        self._reader = Reader(given.alarms, settings.monitor_clock)
        links = Links(settings.runbook_url, settings.dashboard_url)
        teller = Teller(self._bin, links)
        self._scribe = Scribe(
            settings.topics, teller, self._shard, settings.monitor_bin_seconds, settings.monitor_clock
        )
        self._topics: Mapping[str, TopicDescription] = {}
        self._checked = self._noted = 0.0
        self.turns = 0

    def begin(self) -> None:
        """Depose whoever watched before, restore the state, and start to read the inputs."""
        settings = self._given.settings
        reference = read_reference(settings.monitor_reference, settings.monitor_bin_seconds)
        self._transactions.open()
        self._topics = self._described()
        restored = self._take_over()
        past = inherited(self._shard, restored.progress)
        self._check_bins(past)
        mine = {name: app for name, app in reference.items() if self._shard.owns(name)}
        apps = _with_reference(restored.apps(), mine)
        self._watcher = Watcher(self._timing, self._given.alarms, apps, past)
        self._watcher.follow(
            past.partition(topic.name, topic.topic_id, n) for topic in self._topics.values() for n in _numbers(topic)
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
        closed = self._watcher.close(upto)
        for app, number, error in closed.failed:
            _log.error("the rules failed on a bin", app=app, bin=number, error=error)
            self._given.metrics.unwatched.labels("failed").inc()
        publications = tuple(self._scribe.publications(self._watcher, closed, self._now()))
        self._transactions.write(publications, (), self._given.membership.metadata)
        metrics = self._given.metrics
        metrics.close_seconds.observe(time.perf_counter() - start)
        metrics.bins_closed.inc()
        for app, told in closed.told.items():
            for each in told:
                metrics.alerts_told.labels(app, each.alarm.state).inc()
        self._measure()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._given.clock(), UTC)

    def _reading(self, message: Message) -> Reading | Passing | None:
        """The message as it is counted. One that cannot be read is a dead letter of the writer to the store.

        Of what another shard counts only the headers are read.
        """
        traffic = read_traffic(message.headers)
        if traffic is not None and not self._shard.owns(traffic.app):
            self._given.metrics.unwatched.labels("another shard").inc()
            return self._reader.passing(traffic)
        found: Reading | Passing | None
        try:
            if message.topic == self._given.settings.topics.of(OPINIONS):
                found = self._reader.hear(decode(message, Opinion, OPINIONS.type_name).record)
            else:
                found = self._reader.read(decode(message, Verdict, VERDICTS.type_name).record)
        except UnreadableError:
            self._given.metrics.unwatched.labels("unreadable").inc()
            return None
        if isinstance(found, Reading) and self._shard.owns(found.app):
            self._given.metrics.readings.inc()
            return found
        self._given.metrics.unwatched.labels("no traffic").inc()
        return Passing(found.time) if isinstance(found, Reading) else found

    def _take_over(self) -> Restored:
        """The state, once nobody who shares the work among another number can write to it any more."""
        restored = self._restore()
        if restored.outdated:
            raise DeposedError("the apps are shared among another number since")
        deposed = rivals(self._shard, restored.claims)
        if not deposed:
            return restored
        settings = self._given.settings
        _log.warning("the apps are shared anew", shards=self._shard.count, deposed=deposed)
        for number in deposed:
            rival = Transactions(settings, monitor_group(settings, number))
            rival.open()
            rival.close()
        return self._restore(deposed)

    def _restore(self, deposed: Iterable[int] = ()) -> Restored:
        """The state, up to what is written here: that this shard is held, and those are held by nobody else."""
        tenure, process = str(uuid4()), self._given.process
        claims = tuple(self._scribe.claims(process, tenure, deposed, self._now()))
        self._transactions.write(claims, (), self._given.membership.metadata)
        start, restored, records = time.monotonic(), Restored(self._shard, process), 0
        with closing(states(self._given.settings, self._given.membership.beat)) as messages:
            for message in messages:
                records += 1
                try:
                    restored.take(decode(message, MonitorState, MONITOR_STATE.type_name).record)
                except (UnreadableError, ValueError):
                    _log.error("a state cannot be read", partition=message.partition, offset=message.offset)
                if restored.is_held_in(tenure):
                    break
        self._given.metrics.restores.inc()
        apps = len({*restored.heads, *restored.series})
        _log.info("restored", records=records, apps=apps, seconds=round(time.monotonic() - start, 3))
        return restored

    def _check_bins(self, past: Inheritance) -> None:
        settings = self._given.settings
        for progress in past.said:
            if progress.bin_seconds != settings.monitor_bin_seconds:
                said = f"the state was made with bins of {progress.bin_seconds:g} seconds"
                raise ConfigError(said, field="WEIR_MONITOR_BIN_SECONDS")
            if progress.clock != settings.monitor_clock:
                raise ConfigError(f"the state was made by the clock {progress.clock!r}", field="WEIR_MONITOR_CLOCK")

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
