"""Whom to tell of what, now. Pure: a function of the book and the clock, so that a restart comes to the same.

The rules ask how things stand, not what happened: whatever a target was not told while it, or the notifier, was away is
due when it is back. What fired and ended meanwhile is told once, as ended.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from schemas.alert import Alert
from schemas.ids import derived_id
from schemas.notification import Notice, Notification, Told, Why
from streams.notify.book import Book, Known


@dataclass(frozen=True, slots=True)
class Terms:
    """How a target wants to be told.

    A change waits ``group`` for others of its app. ``repeat`` is the time between reminders of what is still firing;
    None: the target reminds by itself, or needs none.
    """

    group: timedelta
    repeat: timedelta | None


@dataclass(frozen=True, slots=True)
class Outstanding:
    """An alert that a target is still to be told of, and whether that is due."""

    known: Known
    state: Told
    why: Why
    due: bool


def outstanding(book: Book, target: str, terms: Terms, floor: int, now: datetime) -> tuple[Outstanding, ...]:
    """Everything that the target is still to be told.

    Below the offset ``floor`` of ``alerts`` nothing that has ended is: the target has been told, or is younger.
    """
    found = (_outstanding(book, known, target, terms, floor, now) for known in book.alerts)
    return tuple(each for each in found if each is not None)


def _outstanding(book: Book, known: Known, target: str, terms: Terms, floor: int, now: datetime) -> Outstanding | None:
    alert, told = known.alert, book.told(target, known.alert.fingerprint)
    state = alert.state
    if state == "pending" or (state == "resolved" and not _is_news(known, told, floor)):
        return None
    if book.silenced(alert, now) is not None and not (state == "resolved" and _is_open(told)):
        return None
    if told is None or (told.state, told.since, told.severity) != (state, alert.since, alert.severity):
        return Outstanding(known, state, "change", due=now >= known.seen + terms.group)
    reminds = terms.repeat is not None and state != "resolved" and now >= told.at + terms.repeat
    if reminds and book.acknowledged(alert, now) is None:
        return Outstanding(known, state, "repeat", due=True)
    return None


def _is_open(told: Notice | None) -> bool:
    """Whether the target believes that the alert is still there."""
    return told is not None and told.state != "resolved"


def _is_news(known: Known, told: Notice | None, floor: int) -> bool:
    """Whether the target needs to know of an end: it knows of the beginning, or missed both."""
    if told is not None and (told.state, told.since) == ("resolved", known.alert.since):
        return False
    return _is_open(told) or (known.alert.fired_at is not None and known.offset >= floor)


def grouped(found: tuple[Outstanding, ...], now: datetime) -> tuple[Notification, ...]:
    """What is due as notifications, one for an app, a state and a reason, in that order."""
    groups: dict[tuple[str, Told, Why], list[Alert]] = {}
    for each in found:
        if each.due:
            groups.setdefault((each.known.alert.app, each.state, each.why), []).append(each.known.alert)
    return tuple(_notification(*key, alerts, now) for key, alerts in sorted(groups.items(), key=lambda item: item[0]))


def _notification(app: str, state: Told, why: Why, alerts: list[Alert], now: datetime) -> Notification:
    members = sorted(alerts, key=lambda alert: alert.fingerprint)
    return Notification(
        notification_id=_id(app, state, why, members, now),
        why=why,
        state=state,
        app=app,
        alerts=tuple(members),
        sent_at=now,
    )


def _id(app: str, state: Told, why: Why, members: list[Alert], now: datetime) -> UUID:
    names = " ".join(f"{alert.fingerprint}@{alert.since.isoformat()}" for alert in members)
    # A reminder is another notification than the one before; a change is the same one however often it is sent.
    return derived_id(app, names, state if why == "change" else f"{state}@{now.isoformat()}", "notify")
