"""CloudEvents 1.0 around a record: who says what when, and how to find it again."""

import re
from datetime import datetime
from typing import Annotated, Final

from pydantic import BeforeValidator

from schemas.errors import Code, UnreadableError
from schemas.record import Identifier, Record

SPEC_VERSION: Final = "1.0"
TYPE_PREFIX: Final = "weir."
_TYPE = re.compile(r"weir\.(?P<record>[a-z_]+)\.v(?P<major>[1-9][0-9]{0,3})")
_TRACEPARENT = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_TRACESTATE = re.compile("[ -~]{1,512}")


def _traceparent(value: object) -> str | None:
    return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else None


def _tracestate(value: object) -> str | None:
    return value if isinstance(value, str) and _TRACESTATE.fullmatch(value) else None


class Envelope(Record):
    """The attributes of one event. ``identified`` is false where the producer gave no id and the position stands in.

    A trace that W3C's rules do not allow is no trace: it is carried into headers and the store, where no text belongs.
    """

    id: Identifier
    source: Identifier
    type: Identifier
    time: datetime
    identified: bool = True
    traceparent: Annotated[str | None, BeforeValidator(_traceparent)] = None
    tracestate: Annotated[str | None, BeforeValidator(_tracestate)] = None


def event_type(record: str, major: int = 1) -> str:
    """The CloudEvents type of a record, such as ``weir.request.v1``."""
    return f"{TYPE_PREFIX}{record}.v{major}"


def check_type(value: str, record: str, majors: tuple[int, ...] = (1,)) -> None:
    """Accept an event of the record at a known major version.

    Raises:
        UnreadableError: ``UNSUPPORTED_TYPE`` for another record, ``UNSUPPORTED_VERSION`` for another major version.
    """
    match = _TYPE.fullmatch(value)
    if match is None or match["record"] != record:
        raise UnreadableError(f"this topic carries {event_type(record)}", code=Code.UNSUPPORTED_TYPE, field="type")
    if int(match["major"]) not in majors:
        known = ", ".join(f"v{major}" for major in majors)
        raise UnreadableError(f"known major versions: {known}", code=Code.UNSUPPORTED_VERSION, field="type")
