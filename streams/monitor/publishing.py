"""What closing bins led to, as messages: alerts, the state of what changed, and how far everything was read. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from schemas.codec import encode
from schemas.envelope import Envelope, event_type
from schemas.ids import derived_id
from schemas.monitoring import MonitorClaim, MonitorProgress, MonitorState
from schemas.record import Record
from schemas.topics import ALERTS, MONITOR_STATE, Namespace, Topic
from streams.monitor.app import Terms
from streams.monitor.readings import Clock
from streams.monitor.records import app_key, app_state, claim_key, progress_key, series_key, series_state
from streams.monitor.shards import Shard
from streams.monitor.telling import Teller
from streams.monitor.watcher import Closing, Watcher
from streams.stage import Publication

STAGE: Final = "monitor"


class Scribe:
    """Writes closings down."""

    def __init__(self, namespace: Namespace, teller: Teller, shard: Shard, bin_seconds: float, clock: Clock) -> None:
        self._namespace = namespace
        self._shard = shard
        self._teller = teller
        self._bin_seconds = bin_seconds
        self._clock = clock

    def publications(self, watcher: Watcher, closing: Closing, now: datetime) -> Iterator[Publication]:
        """The messages of a closing; ids are the same whenever the same bins are closed."""
        for name, app in closing.apps.items():
            terms = watcher.terms(name)
            for each in closing.told.get(name, ()):
                told = self._teller.alert(name, each.fingerprint, each.alarm, app, terms)
                yield self._write(ALERTS, told, each.fingerprint, f"{each.number}", now)
            yield from self._states(closing, name, terms, now)
        progress = MonitorProgress(
            shard=self._shard.number,
            shards=self._shard.count,
            bin_seconds=self._bin_seconds,
            clock=self._clock,
            closed=closing.upto,
            partitions=tuple(each.progress() for each in watcher.partitions.values()),
            at=now,
        )
        yield self._state(MonitorState(progress=progress), progress_key(self._shard), f"{closing.upto}", now)

    def claims(self, process: str, tenure: str, deposed: Iterable[int], now: datetime) -> Iterator[Publication]:
        """That this shard is held, and that nobody who shares the work otherwise holds those."""
        for number in (*deposed, self._shard.number):
            claim = MonitorClaim(shard=number, shards=self._shard.count, process=process, tenure=tenure, at=now)
            yield self._state(MonitorState(claim=claim), claim_key(number), tenure, now)

    def _states(self, closing: Closing, name: str, terms: Terms, now: datetime) -> Iterator[Publication]:
        app, rows = closing.apps[name], closing.rows.get(name, {})
        for series in app.series:
            record = series_state(name, series, app, rows.get(series, ()), terms, self._bin_seconds)
            yield self._state(MonitorState(series=record), series_key(name, series), f"{closing.upto}", now)
        yield self._state(MonitorState(app=app_state(name, app)), app_key(name), f"{closing.upto}", now)

    def _state(self, record: MonitorState, key: str, occasion: str, now: datetime) -> Publication:
        return self._write(MONITOR_STATE, record, key, occasion, now)

    def _write(self, topic: Topic, record: Record, key: str, occasion: str, now: datetime) -> Publication:
        source = f"{self._namespace.prefix}/{STAGE}"
        own = Envelope(
            id=str(derived_id("", source, f"{topic.name}/{key}/{occasion}", STAGE)),
            source=source,
            type=event_type(topic.type_name),
            time=now,
        )
        return Publication(self._namespace.of(topic), encode(record, own, key))
