"""Entries as the records from which they are restored, and back."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas.ids import derived_id
from schemas.reply import Settlement
from schemas.verdict import Position
from streams.settle.entry import Entry, Identity, Pending, Place, Settled, milliseconds, moment


@dataclass(frozen=True, slots=True)
class Origin:
    """The topic that requests stand in: its full name, and the id that tells it from one created anew."""

    topic: str
    topic_id: str

    def position(self, place: Place) -> Position:
        """The place in full."""
        return Position(
            topic=self.topic,
            topic_id=self.topic_id,
            partition=place.partition,
            offset=place.offset,
            time=moment(place.arrival),
        )

    def place(self, position: Position | None) -> Place | None:
        """The place, if it is one in this topic."""
        if position is None or (position.topic, position.topic_id) != (self.topic, self.topic_id):
            return None
        return Place(position.partition, position.offset, milliseconds(position.time))


def final_id(app: str, source: str, request_id: str) -> UUID:
    """The id of the one final reply to a request, whoever gives it."""
    return derived_id(app, source, request_id, "settle")


def settlement_of(
    identity: Identity, entry: Entry, places: tuple[Place, ...], origin: Origin, keep_days: int | None
) -> Settlement:
    """The record of an entry. ``places`` are those that this record is to account for."""
    common = {
        "request_id": identity.request_id,
        "request_source": identity.source,
        "app": identity.app,
        "conversation": identity.conversation,
        "positions": tuple(map(origin.position, places)),
        "digest": entry.digest,
        "keep_days": keep_days,
    }
    if isinstance(entry, Settled):
        return Settlement(
            **common,
            state="settled",
            reply_id=final_id(identity.app, identity.source, identity.request_id),
            status=entry.status,
            code=entry.code,
            settled_at=moment(entry.settled_at),
        )
    return Settlement(**common, state=entry.state, deadline=moment(entry.due), hold=entry.hold, held_at=entry.held_at)


def entry_of(settlement: Settlement, origin: Origin, remember: int) -> Entry:
    """The entry that a record tells of. Settled requests are remembered for so many milliseconds."""
    if settlement.state == "settled":
        at = _instant(settlement.settled_at)
        return Settled(at + remember, at, settlement.status or "error", settlement.code, settlement.digest)
    places = (origin.place(position) for position in settlement.positions)
    return Pending(
        state=settlement.state,
        due=_instant(settlement.deadline),
        identity=identity_of(settlement),
        places=tuple(place for place in places if place is not None),
        digest=settlement.digest,
        hold=settlement.hold,
        held_at=settlement.held_at,
    )


def identity_of(settlement: Settlement) -> Identity:
    """Whose record it is."""
    return Identity(settlement.request_source, settlement.request_id, settlement.app, settlement.conversation)


def _instant(value: datetime | None) -> int:
    # A state without its instant is overdue at once: it must not stay for ever.
    return 0 if value is None else milliseconds(value)
