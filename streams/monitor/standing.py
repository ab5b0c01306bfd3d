"""What `weir monitors` shows: the latest state of every series and every alert, from their topics."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.alert import Alert
from schemas.codec import decode
from schemas.errors import UnreadableError
from schemas.monitoring import MonitorProgress, MonitorState, SeriesState
from schemas.topics import ALERTS, MONITOR_STATE
from streams.kafka.topic_reader import TopicReader
from streams.monitor.records import memory_of
from streams.monitor.series import Memory
from streams.monitor.shards import Shard, inherited, shard_of
from streams.settings import Settings


@dataclass(slots=True)
class Standing:
    """The latest of everything. ``series`` is by app and name, ``alerts`` by fingerprint."""

    said: dict[Shard, MonitorProgress] = field(default_factory=dict)
    series: dict[tuple[str, str], SeriesState] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)

    @property
    def progress(self) -> Sequence[MonitorProgress]:
        """How far each shard has come; of former numbers of shards those that still have apps."""
        return inherited(Shard(), tuple(self.said.values())).said

    def of(self, app: str | None) -> Sequence[SeriesState]:
        """The series of an app, or of all, in order."""
        return [state for (name, _), state in sorted(self.series.items()) if app in {None, name}]

    def open_alert(self, state: SeriesState) -> Alert | None:
        """The alert that is about the series, if one is open."""
        about = (
            each
            for each in self.alerts.values()
            if each.app == state.app and each.state != "resolved" and state.series in {each.series, *each.also}
        )
        return min(about, key=lambda each: each.state != "firing", default=None)


def read_standing(settings: Settings) -> Standing:
    """Everything as it is at this moment.

    Raises:
        UnavailableError: the broker does not answer.
    """
    standing = Standing()
    state_topic, alert_topic = settings.topics.of(MONITOR_STATE), settings.topics.of(ALERTS)
    with TopicReader(settings, [state_topic, alert_topic]) as reader:
        for message in reader.read():
            if message.value is None:
                continue
            try:
                if message.topic == alert_topic:
                    alert = decode(message, Alert, ALERTS.type_name).record
                    standing.alerts[alert.fingerprint] = alert
                else:
                    _take(standing, decode(message, MonitorState, MONITOR_STATE.type_name).record)
            except UnreadableError:
                continue  # the monitor says so where it matters
    return standing


def _take(standing: Standing, state: MonitorState) -> None:
    if state.progress is not None:
        key = shard_of(state.progress)
        standing.said.pop(key, None)
        standing.said[key] = state.progress
    if state.series is not None:
        standing.series[state.series.app, state.series.series] = state.series


@dataclass(frozen=True, slots=True)
class Week:
    """The bins of a series that are not long ago: what was, and what was expected."""

    numbers: Sequence[int]
    rates: Sequence[float]
    expected: Sequence[float | None]
    events: int


def week(state: SeriesState) -> Week:
    """The bins that the state still holds one by one: 168 with traffic at most."""
    memory: Memory = memory_of(state)
    bins = [each for each in memory.recent if each.events]
    return Week(
        [each.number for each in bins],
        [each.total / each.events for each in bins],
        [each.expected for each in bins],
        sum(each.events for each in bins),
    )


def as_json(standing: Standing, app: str | None) -> Iterator[Mapping[str, object]]:
    """Each series as it is told to scripts: all but its memory."""
    for state in standing.of(app):
        told = state.model_dump(mode="json", exclude={"memory", "closed"})
        last = state.closed[-1] if state.closed else None
        alert = standing.open_alert(state)
        yield {
            **told,
            "evidence": last.evidence if last else None,
            "last_bin": last.number if last else None,
            "alert": None if alert is None else {"fingerprint": alert.fingerprint, "state": alert.state},
        }
