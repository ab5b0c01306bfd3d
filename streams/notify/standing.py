"""How alerts stand, read from the topics: what ``weir alerts`` shows and acts on."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from schemas.alert import Alert, Budget
from schemas.codec import validate
from schemas.errors import Code, UnreadableError, WeirError
from schemas.notification import Notice, Silence
from streams.agents.producer import BatchProducer
from streams.kafka.clients import confluent_config
from streams.kafka.topic_reader import TopicReader
from streams.notify.book import Book
from streams.notify.feed import INPUTS
from streams.notify.records import alert_publication, silence_publication, take_in
from streams.settings import Settings
from streams.stage import Publication

TEST_ALERT: Final = "WeirTest"
_SHORTEST: Final = 4  # hex digits that name a fingerprint
_LOOK_SECONDS: Final = 0.5
_DELIVERY_SECONDS: Final = 30.0


def read_book(settings: Settings) -> Book:
    """Everything known of alerts at this moment. What cannot be read is passed over: the notifier says so.

    Raises:
        UnavailableError: the broker does not answer.
    """
    book, now = Book(), datetime.now(UTC)
    with TopicReader(settings, [settings.topics.of(topic) for topic in INPUTS]) as reader:
        for message in reader.read():
            try:
                take_in(book, settings.topics, message, now)
            except UnreadableError:
                continue
    return book


def find_alert(book: Book, name: str) -> Alert:
    """The alert whose fingerprint begins so.

    Raises:
        WeirError: there is none, or more than one.
    """
    if len(name) < _SHORTEST:
        raise WeirError(f"give at least {_SHORTEST} characters of it", code=Code.INVALID_FIELD, field="fingerprint")
    found = [known.alert for known in book.alerts if known.alert.fingerprint.startswith(name)]
    if len(found) != 1:
        count = "several alerts have" if found else "no alert has"
        raise WeirError(f"{count} a fingerprint that begins so", code=Code.INVALID_FIELD, field="fingerprint")
    return found[0]


def find_silence(book: Book, name: str) -> Silence:
    """The silence whose id begins so. Raises as ``find_alert`` does."""
    found = [each for each in book.silences if str(each.silence_id).startswith(name)]
    if len(found) != 1:
        raise WeirError("no one silence has an id that begins so", code=Code.INVALID_FIELD, field="silence")
    return found[0]


def new_silence(length: timedelta, by: str, **matchers: Any) -> Silence:  # noqa: ANN401 - as they come from options
    """A silence from now on; ``validate`` names what will not do."""
    now = datetime.now(UTC)
    fields = {"silence_id": uuid4(), "starts_at": now, "ends_at": now + length, "created_by": by}
    return validate({**fields, **matchers}, Silence)


def ended(silence: Silence) -> Silence:
    """The silence as it ends now."""
    now = datetime.now(UTC)
    return silence.model_copy(update={"ends_at": max(now, silence.starts_at)})


def write_silence(settings: Settings, silence: Silence) -> None:
    """Put it in force. Raises UnavailableError: the broker did not take it."""
    _write(settings, silence_publication(silence, settings.topics, datetime.now(UTC)))


def try_targets(settings: Settings, app: str, severity: str, seconds: float) -> tuple[Notice, ...]:
    """Tell every target of an alert that is none, and of its end; what became of the telling within so many seconds."""
    now = datetime.now(UTC)
    alert = test_alert(app, severity, now)
    _write(settings, alert_publication(alert, settings.topics, now))
    end = time.monotonic() + seconds
    found: tuple[Notice, ...] = ()
    while time.monotonic() < end:
        time.sleep(_LOOK_SECONDS)
        before, found = found, read_book(settings).notices(alert.fingerprint)
        if found and found == before:
            break
    later = datetime.now(UTC)
    over = alert.model_copy(update={"state": "resolved", "since": later, "ends_at": later, "updated_at": later})
    _write(settings, alert_publication(over, settings.topics, later))
    return found


def test_alert(app: str, severity: str, now: datetime) -> Alert:
    """An alert that says of itself that nothing is wrong."""
    return Alert.model_validate(
        {
            "fingerprint": uuid4().hex[:16],
            "alertname": TEST_ALERT,
            "severity": severity,
            "state": "firing",
            "app": app,
            "series": "test",
            "signal": "test",
            "summary": f"{app}: a test of who is told of alerts; nothing is wrong",
            "budget": Budget(pages=1, bins=2160, bin_seconds=3600, series=1),
            "starts_at": now,
            "since": now,
            "fired_at": now,
            "updated_at": now,
        }
    )


def _write(settings: Settings, publication: Publication) -> None:
    producer = BatchProducer(confluent_config(settings), delivery_seconds=_DELIVERY_SECONDS)
    producer.start()
    try:
        producer.publish([publication])
    finally:
        producer.stop()
