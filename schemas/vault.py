"""What the vault keeps: data keys, wrapped, and what is encrypted under them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from schemas.record import Identifier, Record, Subject


class VaultRecord(Record):
    """A data key of one subject, or something encrypted under it; ``data`` is base64.

    Of a ``key``, ``data`` is the key wrapped under the master key. Of an ``entry`` it is nonce and ciphertext, and
    ``source``, ``source_event_id`` and ``stage`` name the event that the text is from.
    """

    kind: Literal["key", "entry"]
    subject: Subject
    key_id: UUID
    data: str = Field(repr=False)
    made_at: datetime
    app: Identifier | None = None
    source: Identifier | None = None
    source_event_id: Identifier | None = None
    stage: Identifier | None = None
