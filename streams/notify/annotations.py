"""Grafana's annotations: a region from an alert's beginning to its end, where a dashboard shows the tag ``weir``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import requests
from grafana_api.grafana_api import GrafanaBadInputError, GrafanaException
from grafana_api.grafana_face import GrafanaFace

from schemas.alert import Alert
from schemas.errors import UnavailableError
from schemas.notification import Notification
from streams.notify.target import RefusedError
from streams.notify.wording import description


class Annotations:
    """Writes annotations, one an alert and beginning; told the same again, it finds its own by their tags."""

    name: Final = "grafana"
    reminds: Final = False
    refresh_seconds: Final = None

    def __init__(self, grafana: GrafanaFace) -> None:
        self._grafana = grafana

    def deliver(self, notification: Notification) -> None:
        with _errors():
            for alert in notification.alerts:
                self._annotate(alert)

    def refresh(self, alerts: Sequence[Alert]) -> None:
        """They stay."""

    def _annotate(self, alert: Alert) -> None:
        tags = _tags(alert)
        known = self._grafana.annotations.get_annotation(tags=tags[:2], limit=1)
        start, end = _milliseconds(alert.starts_at), _milliseconds(alert.ends_at or alert.updated_at)
        fields: dict[str, Any] = {"time_from": start, "time_to": max(start, end), "tags": tags, "text": _text(alert)}
        if known:
            self._grafana.annotations.partial_update_annotation(known[0]["id"], **fields)
        else:
            self._grafana.annotations.add_annotation(**fields)


def _tags(alert: Alert) -> list[str]:
    """The first two name the alert and its beginning."""
    begin = f"begin-{_milliseconds(alert.starts_at)}"
    return [f"fingerprint-{alert.fingerprint}", begin, "weir", alert.app, alert.alertname, alert.severity]


def _text(alert: Alert) -> str:
    links = "".join(f"\n{link}" for link in (alert.runbook, alert.dashboard) if link)
    return f"{alert.summary}\n{description(alert)}{links}"


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except GrafanaBadInputError:
        raise RefusedError("Grafana refuses it: HTTP 400") from None
    except GrafanaException as error:
        raise UnavailableError(f"Grafana answers HTTP {error.status_code}") from None
    except requests.RequestException as error:
        raise UnavailableError(f"Grafana does not answer: {type(error).__name__}") from None
