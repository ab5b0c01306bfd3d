"""The messages of the notifier's topics, into the book and out of it. Pure."""

from datetime import datetime

from schemas.alert import Alert
from schemas.codec import Message, decode, encode
from schemas.envelope import Envelope, event_type
from schemas.ids import derived_id
from schemas.notification import Notice, Silence
from schemas.topics import ALERTS, NOTICES, SILENCES, Namespace
from streams.notify.book import Book
from streams.stage import Publication


def take_in(book: Book, namespace: Namespace, message: Message, now: datetime) -> None:
    """What a message says, into the book. A message without a value says that its topic has forgotten the key.

    Raises:
        UnreadableError: it cannot be read.
    """
    if message.value is None:
        return
    if message.topic == namespace.of(ALERTS):
        book.learn(decode(message, Alert, ALERTS.type_name).record, message.offset, now)
    elif message.topic == namespace.of(NOTICES):
        book.note(decode(message, Notice, NOTICES.type_name).record)
    else:
        book.silence(decode(message, Silence, SILENCES.type_name).record)


def notice_publication(notice: Notice, namespace: Namespace) -> Publication:
    """A notice as a message: the latest of a target and fingerprint stays."""
    name = derived_id(notice.target, str(notice.notification_id), notice.fingerprint, "notice")
    envelope = _envelope(namespace, str(name), NOTICES.type_name, notice.at)
    return Publication(namespace.of(NOTICES), encode(notice, envelope, f"{notice.target} {notice.fingerprint}"))


def silence_publication(silence: Silence, namespace: Namespace, now: datetime) -> Publication:
    """A silence as a message: the latest of an id stays."""
    name = derived_id("", str(silence.silence_id), silence.ends_at.isoformat(), "silence")
    envelope = _envelope(namespace, str(name), SILENCES.type_name, now)
    return Publication(namespace.of(SILENCES), encode(silence, envelope, str(silence.silence_id)))


def alert_publication(alert: Alert, namespace: Namespace, now: datetime) -> Publication:
    """An alert of an operator's as a message."""
    name = derived_id(alert.app, alert.fingerprint, f"{alert.state}@{alert.since.isoformat()}", "alert")
    envelope = _envelope(namespace, str(name), ALERTS.type_name, now)
    return Publication(namespace.of(ALERTS), encode(alert, envelope, alert.fingerprint))


def _envelope(namespace: Namespace, name: str, kind: str, now: datetime) -> Envelope:
    return Envelope(id=name, source=f"{namespace.prefix}/notify", type=event_type(kind), time=now)
