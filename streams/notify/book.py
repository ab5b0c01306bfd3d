"""What is known of alerts: how each stands, what every target was told of it, and what is silenced. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas.alert import Alert
from schemas.notification import Notice, Silence


@dataclass(frozen=True, slots=True)
class Known:
    """An alert, where its latest record stands in ``alerts``, and when this process learnt of its state."""

    alert: Alert
    offset: int
    seen: datetime


class Book:
    """The latest of every alert, notice and silence."""

    def __init__(self) -> None:
        self._alerts: dict[str, Known] = {}
        self._notices: dict[tuple[str, str], Notice] = {}
        self._silences: dict[UUID, Silence] = {}

    @property
    def alerts(self) -> tuple[Known, ...]:
        """Every alert as it stands."""
        return tuple(self._alerts.values())

    @property
    def silences(self) -> tuple[Silence, ...]:
        """Every silence as it stands."""
        return tuple(self._silences.values())

    def find(self, fingerprint: str) -> Known | None:
        """The alert with this fingerprint."""
        return self._alerts.get(fingerprint)

    def learn(self, alert: Alert, offset: int, now: datetime) -> None:
        """Take the alert in its predecessor's place."""
        before = self._alerts.get(alert.fingerprint)
        same = before is not None and (before.alert.state, before.alert.since) == (alert.state, alert.since)
        self._alerts[alert.fingerprint] = Known(alert, offset, before.seen if before and same else now)

    def note(self, notice: Notice) -> None:
        """What a target was told last."""
        self._notices[notice.target, notice.fingerprint] = notice

    def silence(self, silence: Silence) -> None:
        """Take the silence in its predecessor's place."""
        self._silences[silence.silence_id] = silence

    def told(self, target: str, fingerprint: str) -> Notice | None:
        """What the target was told last of the alert."""
        return self._notices.get((target, fingerprint))

    def notices(self, fingerprint: str) -> tuple[Notice, ...]:
        """What every target was told last of the alert."""
        return tuple(notice for (_, about), notice in sorted(self._notices.items()) if about == fingerprint)

    def silenced(self, alert: Alert, now: datetime) -> Silence | None:
        """A silence in force that the alert falls under; an acknowledgement is none."""
        return next((each for each in self._over(alert, now) if each.acknowledges is None), None)

    def acknowledged(self, alert: Alert, now: datetime) -> Silence | None:
        """The acknowledgement of the alert in the state that it is in, if there is one."""
        return next((each for each in self._over(alert, now) if each.acknowledges is not None), None)

    def _over(self, alert: Alert, now: datetime) -> tuple[Silence, ...]:
        return tuple(each for each in self._silences.values() if each.is_active(now) and each.matches(alert))
