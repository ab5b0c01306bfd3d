"""A message's value as it may be shown."""

from collections.abc import Callable

from schemas.codec import parse_json
from schemas.errors import UnreadableError

Mask = Callable[[object], object]
"""Replaces what must not be shown in a JSON value."""


def masked_body(value: bytes | None, mask: Mask) -> object:
    """The JSON value through the mask; of what is no JSON, its size only."""
    if not value:
        return "<no value>"
    try:
        return mask(parse_json(value))
    except UnreadableError:
        return f"<{len(value)} bytes, not JSON>"
