"""The keeper of the running system: kept texts go to the topic ``vault``."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

from schemas.codec import encode
from schemas.envelope import Envelope, event_type
from schemas.topics import VAULT, Namespace
from schemas.vault import VaultRecord
from schemas.work import Sealed
from streams.stage import Publication
from streams.vault.cipher import decrypt, encrypt
from streams.vault.content import pack, unpack
from streams.vault.data_keys import DataKey, DataKeys
from streams.vault.entries import (
    data_key_name,
    entry_id,
    entry_name,
    entry_place,
    from_text,
    sealed_place,
    to_text,
)
from streams.vault.keeper import EventName
from streams.vault.master_key import MasterKey

_UNWRAPPED: Final = 1024  # data keys of others that are remembered: a service may take a while to unwrap one


class TopicKeeper:
    """As ``Keeper`` says. Nothing is published here: the stage that asked publishes with its own results."""

    def __init__(
        self, master: MasterKey, namespace: Namespace, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._namespace = namespace
        self._clock = clock
        self._keys = DataKeys(master, clock)
        self._unwrap = lru_cache(_UNWRAPPED)(master.unwrap)

    def seal(self, subject: str, content: Mapping[str, str], request: str) -> Sealed:
        key = self._keys.of(subject)
        data = encrypt(key.secret, pack(content), sealed_place(key.id, request))
        return Sealed(key_id=key.id, wrapped_key=to_text(key.wrapped), data=to_text(data))

    def open(self, sealed: Sealed, request: str) -> Mapping[str, str]:
        secret = self._unwrap(from_text(sealed.wrapped_key))
        return unpack(decrypt(secret, from_text(sealed.data), sealed_place(sealed.key_id, request)))

    def keep(self, subject: str, content: Mapping[str, str], event: EventName) -> Sequence[Publication]:
        key = self._keys.of(subject)
        data = encrypt(key.secret, pack(content), entry_place(subject, key.id, event))
        entry = VaultRecord(
            kind="entry",
            subject=subject,
            key_id=key.id,
            data=to_text(data),
            made_at=self._clock(),
            app=event.app,
            source=event.source,
            source_event_id=event.event_id,
            stage=event.stage,
        )
        return (
            self._publish(_record(subject, key), data_key_name(subject, key.id), key.id),
            self._publish(entry, entry_name(subject, event), entry_id(event)),
        )

    def _publish(self, record: VaultRecord, name: str, event_id: UUID) -> Publication:
        envelope = Envelope(
            id=str(event_id),
            source=f"{self._namespace.prefix}/vault",
            type=event_type(VAULT.type_name),
            time=record.made_at,
        )
        return Publication(self._namespace.of(VAULT), encode(record, envelope, key=name))


def _record(subject: str, key: DataKey) -> VaultRecord:
    return VaultRecord(kind="key", subject=subject, key_id=key.id, data=to_text(key.wrapped), made_at=key.made_at)
