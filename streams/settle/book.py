"""Every request that settle knows, packed: a million open ones take a few hundred megabytes."""

import marshal
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from schemas.reply import Hold, Spot
from streams.settle.entry import Entry, Identity, Pending, Place, Settled
from streams.settle.timers import Timers


class Book:
    """Entries by request key (16 bytes), which of them are held for which review, and which are due.

    An entry is a short byte string while nobody looks at it.
    """

    def __init__(self) -> None:
        self._pending: dict[bytes, bytes] = {}
        self._settled: dict[bytes, bytes] = {}
        self._reviews: dict[bytes, bytes] = {}
        self._timers = Timers()

    @property
    def held(self) -> int:
        """How many requests wait for a person."""
        return len(self._reviews)

    @property
    def open(self) -> int:
        """How many requests, or cancellations of requests to come, wait for something else."""
        return len(self._pending) - len(self._reviews)

    @property
    def settled(self) -> int:
        """How many settled requests are remembered."""
        return len(self._settled)

    @property
    def next_due(self) -> int | None:
        """When to look for what is due again; None when nothing ever will be."""
        return self._timers.next

    def get(self, key: bytes) -> Entry | None:
        """What is known of a request."""
        if (packed := self._pending.get(key)) is not None:
            return _unpack_pending(packed)
        if (packed := self._settled.get(key)) is not None:
            return _unpack_settled(packed)
        return None

    def held_for(self, review_id: UUID) -> bytes | None:
        """The key of the request that is held for this review now."""
        return self._reviews.get(review_id.bytes)

    def put(self, key: bytes, entry: Entry, now: int) -> None:
        """Remember an entry in place of what was known. ``now`` tells how far ahead it is due."""
        self.remove(key)
        if isinstance(entry, Settled):
            self._settled[key] = _pack_settled(entry)
        else:
            self._pending[key] = _pack_pending(entry)
            if entry.state == "held" and entry.hold is not None:
                self._reviews[entry.hold.review_id.bytes] = key
        self._timers.set(key, entry.due, now)

    def remove(self, key: bytes) -> None:
        """Forget a request; nothing happens if it is not known."""
        if self._reviews and (packed := self._pending.get(key)) is not None:
            entry = _unpack_pending(packed)
            if entry.state == "held" and entry.hold is not None:
                self._reviews.pop(entry.hold.review_id.bytes, None)
        self._pending.pop(key, None)
        self._settled.pop(key, None)

    def due(self, now: int, limit: int) -> Iterator[tuple[bytes, Entry]]:
        """Up to so many entries that are due, each once; the caller puts another in its place or removes it."""
        for key in self._timers.due(now, limit):
            entry = self.get(key)
            # A timer may belong to an earlier state of the entry.
            if entry is not None and entry.due <= now:
                yield key, entry


def _pack_pending(entry: Pending) -> bytes:
    identity, hold, spot = entry.identity, entry.hold, entry.held_at
    places = tuple(number for place in entry.places for number in (place.partition, place.offset, place.arrival))
    return marshal.dumps(
        (
            entry.state,
            entry.due,
            (identity.source, identity.request_id, identity.app, identity.conversation),
            places,
            entry.digest,
            None if hold is None else (hold.review_id.bytes, hold.side, hold.seconds, hold.on_expiry),
            None if spot is None else (spot.partition, spot.offset),
        )
    )


def _unpack_pending(packed: bytes) -> Pending:
    state, due, identity, places, digest, hold, spot = _load(packed)
    return Pending(
        state=state,
        due=due,
        identity=Identity(*identity),
        places=tuple(Place(*places[start : start + 3]) for start in range(0, len(places), 3)),
        digest=digest,
        hold=None
        if hold is None
        else Hold(review_id=UUID(bytes=hold[0]), side=hold[1], seconds=hold[2], on_expiry=hold[3]),
        held_at=None if spot is None else Spot(partition=spot[0], offset=spot[1]),
    )


def _pack_settled(entry: Settled) -> bytes:
    return marshal.dumps((entry.due, entry.settled_at, entry.status, entry.code, entry.digest))


def _unpack_settled(packed: bytes) -> Settled:
    return Settled(*_load(packed))


def _load(packed: bytes) -> tuple[Any, ...]:
    found: tuple[Any, ...] = marshal.loads(packed)  # noqa: S302 - packed by this module, in this process
    return found
