"""Ids that come out the same whenever an event is processed again."""

import hashlib
import json
from uuid import UUID, uuid5

# A fixed, arbitrary namespace: changing it would change every derived id.
_NAMESPACE = UUID("5f0cf5b4-5c0e-5d0a-9f3b-9d6f0b9d7e11")


def derived_id(app: str, source: str, event_id: str, stage: str, run: str = "live") -> UUID:
    """The UUIDv5 of what a stage says about an event. ``run``: ``live``, ``shadow:<policy>`` or ``backfill:<n>``."""
    # JSON keeps the parts apart and escapes lone surrogates.
    return uuid5(_NAMESPACE, json.dumps([app, source, event_id, stage, run]))


def position_id(topic: str, partition: int, offset: int) -> str:
    """The id of an event that came without one: where it was first seen."""
    return f"{topic}:{partition}:{offset}"


def request_key(source: str, event_id: str) -> str:
    """The key of a request: who sent it and the id that it was given, whatever the app and the body."""
    return str(derived_id("", source, event_id, "request"))


def digest(value: bytes) -> str:
    """Names a body: requests with the same id and another digest contradict each other."""
    return hashlib.blake2b(value, digest_size=16).hexdigest()
