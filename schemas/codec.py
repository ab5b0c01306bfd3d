"""Kafka messages to records and back: binary and structured CloudEvents, bare JSON, Confluent framing.

Nothing here does I/O. ``decode`` either returns a record in its envelope or raises one ``UnreadableError`` whose
``code`` and ``field`` say why; the message never repeats what was sent.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Final, Generic, NoReturn, TypeVar
from uuid import UUID

from pydantic import ValidationError

from schemas.envelope import SPEC_VERSION, Envelope, check_type, event_type
from schemas.errors import Code, UnreadableError
from schemas.ids import position_id
from schemas.record import Record
from schemas.wording import wording

ORIGIN_HEADER: Final = "weir_origin"
"""Where an event without an id was first seen; a replay carries it along so that the id stays the same."""

ESCAPED: Final = "\\x"
"""Stands in a header's name for bytes that are not UTF-8. Such a message has no envelope that all clients can read."""

STRUCTURED: Final = "application/cloudevents+json"
_HEADER_LIMIT: Final = 4096
_CONFLUENT_MAGIC: Final = 0
_CONFLUENT_PREFIX: Final = 5  # the magic byte and a big-endian schema id
_TEXT_HEADERS: Final = ("id", "source", "type", "time", "specversion", "traceparent", "tracestate")

R = TypeVar("R", bound=Record)
Headers = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Message:
    """A Kafka message as it was read. ``timestamp`` is the broker's, in UTC."""

    topic: str
    partition: int
    offset: int
    timestamp: datetime
    key: bytes | None = field(default=None, repr=False)
    value: bytes | None = field(default=None, repr=False)
    headers: Headers = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A Kafka message to be written."""

    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)
    headers: Headers = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Event(Generic[R]):
    """A record in its envelope. ``conversation`` is the record's own, else the message key, else the event's id."""

    envelope: Envelope
    record: R
    conversation: str


class EventError(UnreadableError):
    """An unreadable body in a readable envelope that the producer identified: it can be answered by its id."""

    def __init__(self, error: UnreadableError, envelope: Envelope, conversation: str) -> None:
        super().__init__(error.message, code=error.code, field=error.field)
        self.envelope = envelope
        self.conversation = conversation


def decode(message: Message, model: type[R], record: str) -> Event[R]:
    """The event in a message of a topic that carries ``model`` under the type name ``record``.

    Raises:
        EventError: the producer's id is readable, the body is not a valid record.
        UnreadableError: neither a record nor an id can be read, or the major version is not known.
    """
    headers = _headers(message.headers)
    if message.value is None or not message.value.strip():
        raise UnreadableError("the message has no value", code=Code.EMPTY_MESSAGE, field="value")
    attributes: Mapping[str, object] = {name[3:]: value for name, value in headers.items() if name.startswith("ce_")}
    attributes = {**attributes, **{k: headers[k] for k in ("traceparent", "tracestate") if k in headers}}
    body: object = None
    failure: UnreadableError | None = None
    try:
        body = parse_json(message.value)
    except UnreadableError as error:
        failure = error
    if failure is None and _is_structured(body, headers):
        attributes, body = _unwrap(body)
    envelope = _envelope(attributes, message, headers.get(ORIGIN_HEADER), event_type(record))
    check_type(envelope.type, record)
    conversation = _conversation(message.key, envelope.id)
    try:
        if failure is not None:
            raise failure
        decoded = validate(body, model)
    except UnreadableError as error:
        if envelope.identified:
            raise EventError(error, envelope, conversation) from None
        raise
    return Event(envelope, decoded, getattr(decoded, "conversation", None) or conversation)


def encode(record: Record, envelope: Envelope, key: str | None) -> Outgoing:
    """The record as a CloudEvent in binary mode: attributes and what it says beside in headers, JSON as the value."""
    pairs = {
        "ce_specversion": SPEC_VERSION,
        "ce_id": envelope.id,
        "ce_source": envelope.source,
        "ce_type": envelope.type,
        "ce_time": envelope.time.isoformat(),
        "content-type": "application/json",
    }
    traces = {name: getattr(envelope, name) for name in ("traceparent", "tracestate")}
    told = {**pairs, **traces, **record.headers_beside()}
    headers = [(name, value.encode()) for name, value in told.items() if value is not None]
    return Outgoing(key=None if key is None else key.encode(), value=dump_json(record.to_json()), headers=headers)


def parse_json(value: bytes) -> object:
    """The JSON value in UTF-8 bytes, behind Confluent's five-byte framing or not.

    Raises:
        UnreadableError: ``MALFORMED_JSON``: not UTF-8, not JSON, NaN or infinity, or nested too deeply.
    """
    if value[0] == _CONFLUENT_MAGIC and len(value) > _CONFLUENT_PREFIX:
        value = value[_CONFLUENT_PREFIX:]
    try:
        return json.loads(value.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 at byte {error.start}"
    except json.JSONDecodeError as error:
        problem = f"not JSON at line {error.lineno}, column {error.colno}"
    except RecursionError:
        problem = "nested too deeply"
    except ValueError:
        problem = "a number is out of range"
    raise UnreadableError(problem, code=Code.MALFORMED_JSON, field="value")


def dump_json(value: object) -> bytes:
    """Compact UTF-8 JSON. Lone surrogates, which UTF-8 cannot hold, come out as JSON escapes."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), default=_plain).encode()


def _plain(value: object) -> str | list[str]:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)


def validate(body: object, model: type[R]) -> R:
    """The body as a record.

    Raises:
        UnreadableError: the first fault: ``MISSING_FIELD``, ``WRONG_TYPE``, ``EMPTY_MESSAGE`` or ``INVALID_FIELD``,
            with the field's path and, if there are more, their number.
    """
    if not isinstance(body, dict):
        raise UnreadableError("the body should be a JSON object", code=Code.WRONG_TYPE, field="value")
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise _first_fault(error) from None


def _first_fault(error: ValidationError) -> UnreadableError:
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    fault = faults[0]
    kind = fault["type"]
    if kind == "missing":
        code = Code.MISSING_FIELD
    elif kind == "empty_message":
        code = Code.EMPTY_MESSAGE
    elif kind.endswith("_type"):
        code = Code.WRONG_TYPE
    else:
        code = Code.INVALID_FIELD
    more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
    path = ".".join(str(part) for part in fault["loc"]) or "value"
    return UnreadableError(f"{wording(fault)}{more}", code=code, field=path)


def _headers(pairs: Headers) -> dict[str, str]:
    """The headers that we read, as text; the first of a name counts."""
    wanted = {f"ce_{name}" for name in _TEXT_HEADERS} | {*_TEXT_HEADERS[-2:], "content-type", ORIGIN_HEADER}
    found: dict[str, str] = {}
    for name, value in pairs:
        if ESCAPED in name:
            raise UnreadableError("a header's name is not UTF-8", code=Code.MALFORMED_ENVELOPE, field="headers")
        if name not in wanted or name in found or value is None:
            continue
        if len(value) > _HEADER_LIMIT:
            raise UnreadableError(f"longer than {_HEADER_LIMIT} bytes", code=Code.TOO_LARGE, field=name)
        try:
            found[name] = value.decode()
        except UnicodeDecodeError:
            raise UnreadableError("not UTF-8", code=Code.MALFORMED_ENVELOPE, field=name) from None
    return found


def _is_structured(body: object, headers: Mapping[str, str]) -> bool:
    if headers.get("content-type", "").split(";")[0].strip() == STRUCTURED:
        return True
    return isinstance(body, dict) and "ce_id" not in headers and {"specversion", "type", "source", "id"} <= body.keys()


def _unwrap(body: object) -> tuple[Mapping[str, object], object]:
    if not isinstance(body, dict):
        raise UnreadableError("a structured event is a JSON object", code=Code.MALFORMED_ENVELOPE, field="value")
    attributes = {name: body[name] for name in _TEXT_HEADERS if name in body}
    return attributes, body.get("data")


def _envelope(attributes: Mapping[str, object], message: Message, origin: str | None, default_type: str) -> Envelope:
    if attributes.get("specversion", SPEC_VERSION) != SPEC_VERSION:
        raise UnreadableError(
            f"CloudEvents {SPEC_VERSION} is understood", code=Code.UNSUPPORTED_VERSION, field="specversion"
        )
    position = origin or position_id(message.topic, message.partition, message.offset)
    defaults = {"id": position, "source": message.topic, "type": default_type, "time": message.timestamp}
    try:
        envelope = Envelope.model_validate({**defaults, **attributes, "identified": "id" in attributes})
    except ValidationError as error:
        fault = _first_fault(error)
        raise UnreadableError(fault.message, code=Code.MALFORMED_ENVELOPE, field=f"ce_{fault.field}") from None
    if envelope.time.tzinfo is None:
        return envelope.model_copy(update={"time": envelope.time.replace(tzinfo=UTC)})
    return envelope


def _conversation(key: bytes | None, fallback: str) -> str:
    """The key as an identifier: printable and short as it is, otherwise as its hexadecimal head."""
    if not key:
        return fallback
    try:
        text = key.decode()
    except UnicodeDecodeError:
        return key[:64].hex()
    return text if len(text) <= 256 and text.isprintable() else key[:64].hex()


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError("out of range")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
