"""The process's own log: a line an alert, there also where nothing else is set."""

from collections.abc import Sequence
from typing import Final

from schemas.alert import Alert
from schemas.notification import Notification
from streams.logs import get_logger

_log = get_logger("streams.notify")


class Log:
    """Writes lines. Never fails."""

    name: Final = "log"
    reminds: Final = True
    refresh_seconds: Final = None

    def deliver(self, notification: Notification) -> None:
        tell = _log.warning if notification.state != "resolved" else _log.info
        for alert in notification.alerts:
            tell(
                "alert",
                state=notification.state,
                why=notification.why,
                severity=alert.severity,
                alertname=alert.alertname,
                app=alert.app,
                series=alert.series,
                summary=alert.summary,
                fingerprint=alert.fingerprint,
            )

    def refresh(self, alerts: Sequence[Alert]) -> None:
        """Lines stay."""
