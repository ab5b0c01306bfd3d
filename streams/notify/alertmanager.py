"""Prometheus' Alertmanager, over its API v2. It groups, reminds and routes by itself; what is open is refreshed.

An alert that is not refreshed ends there after ``_LIFE``: where the notifier dies with all its successors, Alertmanager
says so of everything that was open.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.alert import Alert
from schemas.codec import dump_json
from schemas.notification import Notification
from streams.notify.http import Poster
from streams.notify.wording import description

_LIFE: Final = timedelta(minutes=5)
_LABELS: Final = ("alertname", "severity", "app", "series", "guard", "model", "language", "fingerprint")
_Labels = tuple[tuple[str, str], ...]


class Alertmanager:
    """Posts to the Alertmanager at ``url``, such as ``http://localhost:9093``."""

    name: Final = "alertmanager"
    reminds: Final = False
    refresh_seconds: Final = 60.0

    def __init__(self, url: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._poster = Poster("Alertmanager", f"{url.rstrip('/')}/api/v2/alerts")
        self._clock = clock
        self._posted: dict[str, _Labels] = {}

    def deliver(self, notification: Notification) -> None:
        self._post(notification.alerts)

    def refresh(self, alerts: Sequence[Alert]) -> None:
        if alerts:
            self._post(alerts)

    def _post(self, alerts: Sequence[Alert]) -> None:
        now = self._clock()
        self._poster.post(dump_json([each for alert in alerts for each in self._posts(alert, now)]))
        for alert in alerts:
            self._posted[alert.fingerprint] = labels(alert)

    def _posts(self, alert: Alert, now: datetime) -> list[Mapping[str, Any]]:
        """The alert and, where its labels have changed, the end of what Alertmanager takes for another one."""
        mine, before = labels(alert), self._posted.get(alert.fingerprint)
        found = [posted(alert, now)]
        if before is not None and before != mine:
            found.append({**posted(alert, now), "labels": dict(before), "endsAt": now.isoformat()})
        return found


def labels(alert: Alert) -> _Labels:
    """What the alert is known by there: names that are bounded, and no text."""
    values = {name: getattr(alert, name) for name in _LABELS}
    return tuple((name, str(value)) for name, value in values.items() if value is not None)


def posted(alert: Alert, now: datetime) -> Mapping[str, Any]:
    """The alert as the API takes it. The traffic's times may be ahead of the clock: none of them may be here."""
    annotations = {
        "summary": alert.summary,
        "description": description(alert),
        "runbook_url": alert.runbook,
        "dashboard_url": alert.dashboard,
    }
    ends = now if alert.state == "resolved" else now + _LIFE
    return {
        "labels": dict(labels(alert)),
        "annotations": {name: text for name, text in annotations.items() if text},
        "startsAt": min(alert.starts_at, now - timedelta(milliseconds=1)).isoformat(),
        "endsAt": ends.isoformat(),
        **({"generatorURL": alert.dashboard} if alert.dashboard else {}),
    }
