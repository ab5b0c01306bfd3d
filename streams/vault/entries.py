"""The vault's records on their topic: their keys there, and what an entry's ciphertext is bound to."""

import json
from base64 import b64decode, b64encode
from uuid import UUID

from schemas.errors import Code, IntegrityError
from schemas.ids import derived_id
from schemas.vault import VaultRecord
from streams.vault.keeper import EventName

_SEPARATOR = "\x00"  # in no subject: identifiers are printable


def data_key_name(subject: str, key_id: UUID) -> str:
    """The message key of a data key."""
    return f"{data_keys_prefix(subject)}{key_id}"


def data_keys_prefix(subject: str) -> str:
    """How the message keys of a subject's data keys begin."""
    return f"{subject_prefix(subject)}key{_SEPARATOR}"


def entry_name(subject: str, event: EventName) -> str:
    """The message key of an entry: the same whenever the stage meets the event."""
    return f"{subject_prefix(subject)}entry{_SEPARATOR}{entry_id(event)}"


def subject_prefix(subject: str) -> str:
    """How the message keys of everything of a subject begin."""
    return subject + _SEPARATOR


def entry_id(event: EventName) -> UUID:
    """Names what a stage kept of an event."""
    return derived_id(event.app, event.source, event.event_id, event.stage)


def entry_place(subject: str, key_id: UUID, event: EventName) -> bytes:
    """What an entry is bound to: moved to another subject or event, it does not open."""
    return _place("entry", subject, str(key_id), event.app, event.source, event.event_id, event.stage)


def sealed_place(key_id: UUID, request: str) -> bytes:
    """What something sealed is bound to: carried over to another request, it does not open."""
    return _place("sealed", str(key_id), request)


def event_of(record: VaultRecord) -> EventName:
    """The event that an entry is from."""
    return EventName(record.app or "", record.source or "", record.source_event_id or "", record.stage or "")


def to_text(data: bytes) -> str:
    """Bytes in base64."""
    return b64encode(data).decode()


def from_text(text: str) -> bytes:
    """Bytes from base64. Raises ``IntegrityError`` with ``VAULT_KEY`` if the text is none."""
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise IntegrityError("not base64", code=Code.VAULT_KEY) from None


def _place(*parts: str) -> bytes:
    return json.dumps(("weir", 1, *parts)).encode()
