"""Alarms as the alerts that people are told of. Pure: times are those of bins, names those of the signals."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote
from uuid import UUID

from monitors.alarms.evidence import BUDGET_HOURS
from schemas.alert import Alert, AlertPart, Began, Budget, Severity
from schemas.signal import LANGUAGE_PREFIX
from streams.monitor.alarm import NO_TRAFFIC, Alarm, Fact
from streams.monitor.app import App, Terms, threshold
from streams.monitor.signals import share_of, signal_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CHIEF: Final = 0.5
"""The share of a change that makes a segment the one that it is about."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where to read on: ``runbook`` is a page, ``dashboard`` an address in which ``{app}`` is put."""

    runbook: str
    dashboard: str | None = None

    def dashboard_of(self, app: str) -> str | None:
        """The dashboard's address for the app."""
        return self.dashboard and self.dashboard.replace("{app}", quote(app, safe=""))


class Teller:
    """Tells alarms. ``bin_ms`` is the length of a bin in milliseconds."""

    def __init__(self, bin_ms: int, links: Links) -> None:
        self._bin = timedelta(milliseconds=bin_ms)
        self._links = links

    def alert(self, name: str, fingerprint: str, alarm: Alarm, app: App, terms: Terms) -> Alert:
        """The alarm of an app as it is told."""
        told, subject = alarm.facts, _subject(alarm, terms)
        return Alert(
            fingerprint=fingerprint,
            alertname=subject.alertname,
            severity=_severity(alarm),
            state=alarm.state,
            app=name,
            series=alarm.series,
            signal=subject.signal,
            guard=subject.guard,
            model=_chief(alarm, "model"),
            language=_language(alarm),
            direction=alarm.direction,
            also=alarm.also,
            summary=_summary(name, alarm),
            began=self._began(told.began),
            value=told.value,
            baseline=told.baseline,
            visible_shift=told.visible,
            evidence=alarm.evidence,
            threshold=subject.threshold,
            budget=self._budget(app, terms),
            change=told.change,
            parts=tuple(map(_part, told.parts)),
            examples=tuple(map(UUID, told.examples)),
            runbook=f"{self._links.runbook}#{subject.alertname.lower()}",
            dashboard=self._links.dashboard_of(name),
            flaps=alarm.flaps,
            starts_at=self._begin(alarm.started),
            since=self._end(alarm.since),
            fired_at=None if alarm.fired is None else self._end(alarm.fired),
            ends_at=None if alarm.ended is None or alarm.is_open else self._end(alarm.ended),
            updated_at=self._end(alarm.updated),
        )

    def _budget(self, app: App, terms: Terms) -> Budget:
        return Budget(
            pages=terms.pages,
            bins=BUDGET_HOURS,
            bin_seconds=self._bin.total_seconds(),
            series=max(app.watched, 1),
        )

    def _begin(self, number: int) -> datetime:
        return _EPOCH + number * self._bin

    def _end(self, number: int) -> datetime:
        return self._begin(number + 1)

    def _began(self, bins: tuple[int, int, int] | None) -> Began | None:
        if bins is None:
            return None
        likeliest, earliest, latest = map(self._begin, bins)
        return Began(likeliest=likeliest, earliest=earliest, latest=latest)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What an alarm is about, as alerts name it. ``threshold`` is the evidence that fired it."""

    alertname: str
    signal: str
    guard: str | None
    threshold: float


def _subject(alarm: Alarm, terms: Terms) -> _Subject:
    if alarm.series == NO_TRAFFIC:
        return _Subject("WeirNoTraffic", NO_TRAFFIC, None, 0.0)
    signal = signal_of(alarm.series)
    return _Subject(signal.alertname, signal.name, signal.guard, threshold(terms))


def _severity(alarm: Alarm) -> Severity:
    if alarm.series == NO_TRAFFIC:
        return "warning"
    found = signal_of(alarm.series)
    return found.rising if alarm.direction == "up" else found.falling


def _part(fact: Fact) -> AlertPart:
    return AlertPart.model_validate(
        {
            "dimension": fact.dimension,
            "segment": fact.segment,
            "within": fact.within,
            "within_low": fact.low,
            "within_high": fact.high,
            "mix": fact.mix,
            "before": fact.before,
            "after": fact.after,
            "events": fact.events,
        }
    )


def _chief(alarm: Alarm, dimension: str) -> str | None:
    """The segment that most of the change is in, if there is one."""
    found = [fact for fact in alarm.facts.parts if fact.dimension == dimension]
    first = max(found, key=lambda fact: (fact.within + fact.mix) * (alarm.facts.change or 0.0), default=None)
    if first is None or not alarm.facts.change:
        return None
    return first.segment if (first.within + first.mix) / alarm.facts.change >= _CHIEF else None


def _language(alarm: Alarm) -> str | None:
    if alarm.series.startswith(LANGUAGE_PREFIX):
        return alarm.series.removeprefix(LANGUAGE_PREFIX)
    return _chief(alarm, "language")


def _summary(name: str, alarm: Alarm) -> str:
    """One line; nothing in it comes from a text."""
    if alarm.series == NO_TRAFFIC:
        return f"{name}: traffic has stopped" if alarm.is_open else f"{name}: there is traffic again"
    signal = signal_of(alarm.series)
    what = signal.title
    if share := share_of(alarm.series):
        what = f"{what} ({share})"
    told = alarm.facts
    if alarm.state == "resolved":
        return f"{name}: {what} is back to normal" if alarm.fired is not None else f"{name}: {what} was a false doubt"
    if told.value is None or told.baseline is None:
        return f"{name}: {what} may be {'rising' if alarm.direction == 'up' else 'falling'}"
    most = max(told.parts, key=lambda fact: abs(fact.within + fact.mix), default=None)
    where = f", most of it in {most.dimension} {most.segment}" if most else ""
    way = "rose" if alarm.direction == "up" else "fell"
    return f"{name}: {what} {way} from {told.baseline:.3f} to {told.value:.3f}{where}"
