"""A span, and where it belongs: every process finds the same places from a request's envelope alone. Pure.

A request's trace is the one that its producer names in ``traceparent``, else one that is derived from its key. Its
root span is derived too, so that any stage can hang its own below it before it is there: settle makes it, last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Final, TypeAlias
from uuid import UUID

from monitors.sampling import Sampler
from schemas.envelope import Envelope
from schemas.ids import request_key

Value: TypeAlias = str | int | float | bool | Sequence[str]
Attributes: TypeAlias = Mapping[str, Value | None]

_SAMPLED: Final = 1


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a span tells beside its attributes."""

    name: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Span:
    """One step of a request. ``name`` is unique among its steps; None in place of an attribute leaves it out."""

    name: str
    start: datetime
    end: datetime
    attributes: Attributes = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    error: str | None = None
    kind: str = "internal"
    root: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a span stands: its trace (16 bytes), itself and its parent (8 bytes each)."""

    trace: int
    span: int
    parent: int | None
    remote: bool = False


def place_of(span: Span, request: Envelope) -> Place:
    """The place of a span of this request."""
    key = request_key(request.source, request.id)
    given = _Parent.read(request.traceparent)
    trace = given.trace if given else UUID(key).int
    root = _derived(key, "root")
    if span.root:
        return Place(trace, root, given.span if given else None, remote=given is not None)
    # Done again, a step has another end: both are told, and only those that run at one time have one id.
    return Place(trace, _derived(key, f"{span.name}\0{span.end.timestamp()}"), root, remote=True)


def is_wanted(request: Envelope, sampler: Sampler, share: float) -> bool:
    """Whether a request is traced: as its producer decided for its own trace, else for a share of all, by their keys.

    Every process decides the same, and an application cannot choose keys that are drawn.
    """
    given = _Parent.read(request.traceparent)
    if given is not None:
        return given.sampled
    return sampler.keeps(request_key(request.source, request.id), share)


@dataclass(frozen=True, slots=True)
class _Parent:
    """A ``traceparent`` that the envelope has let through."""

    trace: int
    span: int
    sampled: bool

    @classmethod
    def read(cls, value: str | None) -> "_Parent | None":
        if value is None:
            return None
        _, trace, span, flags = value.split("-")
        found = cls(int(trace, 16), int(span, 16), bool(int(flags, 16) & _SAMPLED))
        return found if found.trace and found.span else None  # zeros mean none


def _derived(key: str, name: str) -> int:
    return int.from_bytes(blake2b(f"{key}\0{name}".encode(), digest_size=8).digest()) or 1
