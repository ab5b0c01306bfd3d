"""Whom a cancel is about."""

from schemas.codec import Event
from schemas.review import Cancel
from schemas.topics import CANCELS, REQUESTS, Namespace


def cancelled_source(event: Event[Cancel], namespace: Namespace) -> str:
    """The source of the request that a cancel names."""
    source = event.record.source or event.envelope.source
    # Where nobody named one, the topic stands in: for the request it was another.
    return namespace.of(REQUESTS) if source == namespace.of(CANCELS) else source
