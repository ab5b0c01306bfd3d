"""Forgets a subject everywhere that Weir reaches, and says what is left and until when."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from schemas.codec import encode
from schemas.envelope import Envelope, event_type
from schemas.forgotten import Forgotten
from schemas.ids import derived_id
from schemas.topics import FORGOTTEN, SEGMENT_ROLL, TOPICS
from streams.agents.producer import BatchProducer
from streams.kafka.clients import confluent_config
from streams.settings import Settings
from streams.stage import Publication
from streams.store.client import Store
from streams.store.sql import query, statements
from streams.vault.archive import Progress
from streams.vault.forgetting import forget as empty_vault
from streams.vault.keeper import subject_of

_SPREAD_SECONDS: Final = 2.0  # in which running processes have read what is forgotten, and stored what they had read
_DELIVERY_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was destroyed. ``rows`` are those that named the subject, by table; raw Kafka ends on ``raw_until``."""

    subject: str
    before: datetime
    data_keys: int
    entries: int
    rows: Mapping[str, int]
    raw_until: date


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is to be forgotten: a user of an app, or a conversation of it."""

    app: str
    user: str | None
    conversation: str | None

    @property
    def subject(self) -> str:
        """The subject's name in the vault."""
        return subject_of(self.app, self.user, self.conversation or "")


def forget(
    settings: Settings,
    wanted: Wanted,
    account: str,
    progress: Progress = lambda _done, _of: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Receipt:
    """Forget all that came in until now. Harmless to repeat; if it ends half-way, repeat it.

    First the topic ``forgotten`` is told, so that from then on every stage, the writer and replays drop what is met
    again; then the vault's keys and entries and the store's rows are destroyed.

    Raises:
        UnavailableError: the broker or the store does not answer; some may have been destroyed.
        ConfigError: a topic or a table is missing.
    """
    before = datetime.now(UTC)
    with Store.of(settings) as store:
        conversations = _conversations(store, wanted)
        _tell(settings, wanted, conversations, before, account)
        vault = empty_vault(settings, wanted.subject, progress)
        sleep(_SPREAD_SECONDS)
        rows = _erase(store, wanted, conversations, before)
    return Receipt(wanted.subject, before, vault.data_keys, vault.entries, rows, raw_until(before))


def raw_until(before: datetime) -> date:
    """The day on which the last raw message from before is gone from Kafka: retention goes by whole segments."""
    longest = max(topic.retention for topic in TOPICS if topic.raw)
    return (before + longest + SEGMENT_ROLL + timedelta(days=1)).date()


def _conversations(store: Store, wanted: Wanted) -> tuple[str, ...]:
    if wanted.conversation is not None:
        return (wanted.conversation,)
    found = store.select(query("conversations_of_user"), app=wanted.app, user=wanted.user)
    return tuple(row["conversation_id"] for row in found)


def _tell(settings: Settings, wanted: Wanted, conversations: tuple[str, ...], before: datetime, account: str) -> None:
    record = Forgotten(
        app=wanted.app,
        user=wanted.user,
        conversation=wanted.conversation,
        conversations=conversations if wanted.user is not None else (),
        before=before,
        forgotten_by=account,
    )
    event_id = derived_id(wanted.app, "forgotten", f"{wanted.subject}@{before.isoformat()}", "forget")
    source = f"{settings.namespace}/forget"
    envelope = Envelope(id=str(event_id), source=source, type=event_type(FORGOTTEN.type_name), time=before)
    producer = BatchProducer(confluent_config(settings), delivery_seconds=_DELIVERY_SECONDS)
    producer.start()
    topic = settings.topics.of(FORGOTTEN)
    producer.publish([Publication(topic, encode(record, envelope, key=wanted.subject))])


def _erase(store: Store, wanted: Wanted, conversations: tuple[str, ...], before: datetime) -> dict[str, int]:
    subject = {
        "app": wanted.app,
        "user": wanted.user or "",
        "conversations": list(conversations),
        "before": before.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
    }
    counted = {row["name"]: row["rows"] for row in store.select(query("rows_of_subject"), **subject)}
    for statement in statements(query("erase_subject")):
        store.command(statement, **subject)
    return {name: rows for name, rows in counted.items() if rows}
