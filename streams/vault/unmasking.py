"""Showing what the vault keeps: who, why and what are on record before anything is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from schemas.errors import Code, ConfigError, IntegrityError
from schemas.vault import VaultRecord
from streams.logs import get_logger
from streams.settings import Settings
from streams.store.client import Store, Values
from streams.store.columns import milliseconds, storable
from streams.vault.archive import Archive, Progress, Wanted
from streams.vault.cipher import decrypt
from streams.vault.content import unpack
from streams.vault.entries import entry_place, event_of, from_text
from streams.vault.keeper import EventName
from streams.vault.key_source import read_master_key
from streams.vault.master_key import MasterKey

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Warrant:
    """Who wants to see something, and why. ``account`` is where they are logged in, whoever they say they are."""

    by: str
    account: str
    reason: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unmasked:
    """One entry, open."""

    event: EventName
    subject: str
    key_id: UUID
    kept_at: datetime
    content: Mapping[str, str] = field(repr=False)


def unmask(
    settings: Settings, wanted: Wanted, warrant: Warrant, progress: Progress = lambda _done, _of: None
) -> Sequence[Unmasked]:
    """What is kept of an event, oldest first; empty if nothing is. Each entry is on record once this returns.

    Raises:
        ConfigError: ``MISSING_FIELD``: no reason; ``VAULT_KEY``: the master key is missing, by its id.
        IntegrityError: ``VAULT_KEY``: a data key is gone, or something was altered; by the data key's id.
        UnavailableError: the broker or the store does not answer: then nothing is shown.
    """
    for name in ("reason", "by"):
        if not getattr(warrant, name).strip():
            raise ConfigError("nothing is shown without it", code=Code.MISSING_FIELD, field=name)
    master = read_master_key(settings)
    if master is None:
        raise ConfigError("without the master key nothing opens", code=Code.VAULT_KEY, field="WEIR_VAULT_KEY")
    with Archive(settings, progress) as archive:
        entries = archive.entries(wanted)
        keys = archive.data_keys(entries) if entries else {}
    opened = [_open(entry, keys.get(entry.key_id), master) for entry in entries]
    if opened:
        _put_on_record(settings, opened, warrant)
    return opened


def _open(entry: VaultRecord, key: VaultRecord | None, master: MasterKey) -> Unmasked:
    name = f"data key {entry.key_id}"
    if key is None:
        raise IntegrityError("gone: its subject was forgotten, or its time is over", code=Code.VAULT_KEY, field=name)
    event = event_of(entry)
    try:
        secret = master.unwrap(from_text(key.data))
        plain = decrypt(secret, from_text(entry.data), entry_place(entry.subject, entry.key_id, event))
    except IntegrityError as error:
        raise IntegrityError(error.message, code=error.code, field=name) from None
    return Unmasked(event, entry.subject, entry.key_id, entry.made_at, unpack(plain))


def _put_on_record(settings: Settings, opened: Sequence[Unmasked], warrant: Warrant) -> None:
    rows = [_row(each, warrant) for each in opened]
    with Store.of(settings) as store:
        store.insert("unmaskings", rows, token=str(uuid4()))
    who = {"by": storable(warrant.by), "account": warrant.account}
    for event in (each.event for each in opened):
        logger.warning(
            "unmasked", app=event.app, source=event.source, event_id=event.event_id, stage=event.stage, **who
        )


def _row(each: Unmasked, warrant: Warrant) -> Values:
    return {
        "unmasking_id": uuid4(),
        "unmasked_by": storable(warrant.by),
        "account": warrant.account,
        "reason": storable(warrant.reason),
        "app": each.event.app,
        "stage": each.event.stage,
        "source": each.event.source,
        "source_event_id": each.event.event_id,
        "subject": each.subject,
        "key_id": each.key_id,
        "kept_at": milliseconds(each.kept_at),
    }
