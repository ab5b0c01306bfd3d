"""Alerts as people read them on a terminal, and scripts as JSON."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.alert import Alert
from schemas.notification import Silence
from streams.notify.book import Book
from streams.notify.wording import description
from streams.printable import excerpt, printable

COLUMNS: Final = ("alert", "state", "severity", "app", "what", "since", "told", "quiet")
SILENCE_COLUMNS: Final = ("silence", "what", "until", "by", "reason")
SHOWN: Final = 8
"""Digits of a fingerprint or an id: enough to tell them apart, and what the commands accept."""

_STYLES: Final = {"firing": "bold red", "no_data": "bold yellow", "pending": "yellow", "resolved": "green"}


def row(book: Book, alert: Alert, now: datetime) -> tuple[str, ...]:
    """The cells of ``COLUMNS``."""
    return (
        alert.fingerprint[:SHOWN],
        alert.state,
        alert.severity,
        excerpt(alert.app, 16),
        alert.alertname,
        f"{alert.since:%m-%d %H:%M}",
        ", ".join(_told(book, alert)),
        quiet(book, alert, now),
    )


def _told(book: Book, alert: Alert) -> Iterator[str]:
    """Who knows of the state that the alert is in."""
    for notice in book.notices(alert.fingerprint):
        if (notice.state, notice.since) == (alert.state, alert.since):
            yield notice.target if notice.outcome == "delivered" else f"not {notice.target}"


def quiet(book: Book, alert: Alert, now: datetime) -> str:
    """Why nobody is told, or reminded, if that is so."""
    if (silence := book.silenced(alert, now)) is not None:
        return f"silenced until {silence.ends_at:%m-%d %H:%M}"
    if (taken := book.acknowledged(alert, now)) is not None:
        return f"taken by {excerpt(taken.created_by, 16)}"
    return ""


def silence_row(silence: Silence) -> tuple[str, ...]:
    """The cells of ``SILENCE_COLUMNS``."""
    wanted = ("fingerprint", "app", "alertname", "severity")
    parts = [f"{name}={value}" for name in wanted if (value := getattr(silence, name)) is not None]
    what = " ".join(parts) if silence.acknowledges is None else f"taken: {silence.fingerprint}"
    ends = f"{silence.ends_at:%Y-%m-%d %H:%M}"
    return str(silence.silence_id)[:SHOWN], what, ends, silence.created_by, excerpt(silence.reason or "", 40)


def details(book: Book, alert: Alert, now: datetime) -> Group:
    """All of an alert: what moved and since when, who was told, and where to read on."""
    return Group(*_details(book, alert, now))


def _details(book: Book, alert: Alert, now: datetime) -> Iterator[RenderableType]:
    yield Text.assemble(
        (alert.alertname, "bold"), "  ", (alert.state, _STYLES[alert.state]), f"  {alert.severity}  {alert.fingerprint}"
    )
    yield Text(printable(alert.summary))
    yield Text(printable(description(alert)), style="dim")
    grid = Table.grid(padding=(0, 2))
    for name, value in _facts(book, alert, now):
        grid.add_row(Text(name, style="dim"), Text(printable(value)))
    yield grid


def _facts(book: Book, alert: Alert, now: datetime) -> Iterator[tuple[str, str]]:
    yield "app", alert.app
    yield "series", alert.series
    yield "in this state since", _time(alert.since)
    yield "evidence", f"{alert.evidence:.4g}, pages at {alert.threshold:.4g}"
    for part in alert.parts:
        between = f"{part.within_low:+.4f} to {part.within_high:+.4f}"
        yield f"{part.dimension} {part.segment}", f"within {part.within:+.4f} ({between}), mix {part.mix:+.4f}"
    for notice in book.notices(alert.fingerprint):
        after = f", try {notice.attempts}" if notice.attempts > 1 else ""
        why = f": {notice.reason}" if notice.reason else ""
        yield notice.target, f"{notice.outcome} {notice.state} at {_time(notice.at)}{after}{why}"
    if reason := quiet(book, alert, now):
        yield "quiet", reason
    for example in alert.examples:
        yield "example verdict", str(example)
    yield from ((name, link) for name, link in (("runbook", alert.runbook), ("dashboard", alert.dashboard)) if link)


def to_json(book: Book, alert: Alert, now: datetime) -> Mapping[str, Any]:
    """The alert's record with who was told and why nobody is."""
    silence, taken = book.silenced(alert, now), book.acknowledged(alert, now)
    return {
        **alert.model_dump(mode="json", exclude_none=True),
        "notices": [notice.model_dump(mode="json", exclude_none=True) for notice in book.notices(alert.fingerprint)],
        "silenced_until": silence.ends_at.isoformat() if silence else None,
        "acknowledged_by": taken.created_by if taken else None,
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
