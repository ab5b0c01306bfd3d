"""The rules: one final reply to every request, whoever answers first. No I/O and no clock.

Every method takes one event and the time, changes the book, and returns what is to be written for it. The book
always equals what the records written so far tell: settle may forget it at any moment and restore it from them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol
from uuid import UUID

from schemas.actions import Action
from schemas.codec import Event
from schemas.envelope import Envelope
from schemas.errors import Code, UnreadableError, WeirError
from schemas.ids import derived_id, position_id, request_key
from schemas.policy import Policy
from schemas.reply import Answerer, Hold, Outcome, Reply, Settlement, Spot
from schemas.review import Cancel, Decision
from schemas.verdict import Judgement, Verdict
from streams.policies.assignment import Policies
from streams.requests.deadline import DEFAULT
from streams.settle import answers
from streams.settle.book import Book
from streams.settle.effects import Answered, Contradicted, Effect, Forgotten, Recorded, Refused, Released, Superseded
from streams.settle.entry import MAX_PLACES, Entry, Identity, Pending, Place, Settled, moment
from streams.settle.settlements import Origin, entry_of, settlement_of

CANCEL_MS: Final = 3_600_000
"""How long a cancellation waits for its request."""

_LONGEST_HOLD_S: Final = 518_400  # a day less than the outcome that is held is kept for


class Payloads(Protocol):
    """Outcomes that are held: they stand in their topic and not in memory."""

    def read(self, spot: Spot) -> Event[Outcome] | None:
        """The outcome that was written there; None once it is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it was read. ``due`` is its deadline."""

    identity: Identity
    envelope: Envelope
    place: Place
    digest: str
    due: int
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rules are given. ``remember`` is for how many milliseconds settled requests are."""

    origin: Origin
    policies: Policies
    payloads: Payloads
    remember: int


class Settler:
    """The state of every request. Instants are milliseconds since the epoch."""

    def __init__(self, terms: Terms) -> None:
        self.book = Book()
        self._terms = terms
        self._read: dict[int, int] = {}

    def restore(self, key: bytes, settlement: Settlement | None, now: int) -> None:
        """Take over a state that was recorded; None where it was forgotten. In the order in which they were."""
        if settlement is None:
            self.book.remove(key)
        else:
            self.book.put(key, entry_of(settlement, self._terms.origin, self._terms.remember), now)

    def go_on(self, read: Mapping[int, int]) -> None:
        """Take over how far each partition of ``requests`` has been read: the offset of the next message."""
        self._read = dict(read)

    def skip(self, partition: int, offset: int) -> None:
        """A message of ``requests`` that is nobody's request."""
        self._read[partition] = offset + 1

    def request(self, arrival: Arrival, now: int) -> Iterable[Effect]:
        """A request comes: the first with its key opens it."""
        self.skip(arrival.place.partition, arrival.place.offset)
        known = self.book.get(arrival.identity.key)
        if known is None:
            entry = Pending("open", arrival.due, arrival.identity, (arrival.place,), arrival.digest)
            return [self._keep(entry, now)]
        if known.contradicts(arrival.digest):
            return [self._contradiction(arrival, now)]
        if isinstance(known, Settled):
            return [self._record(arrival.identity, known, (arrival.place,))]
        return self._again(known, arrival, now)

    def outcome(self, event: Event[Outcome], spot: Spot, now: int) -> Iterable[Effect]:
        """A stage answers: the first to do so counts."""
        outcome = event.record
        if not _complete(outcome):
            fault = UnreadableError("a hold comes with what follows it", code=Code.MISSING_FIELD, field="hold")
            return [Refused(fault)]
        entry = self._waiting(event)
        if entry is None:
            return [Superseded(outcome.stage)]
        if entry.state == "cancelled":
            return self._fail(entry, Code.CANCELLED, "cancel", now)
        if outcome.status == "held" and outcome.hold is not None:
            return self._hold(entry, event, outcome.hold, spot, now)
        reply = answers.from_outcome(entry, outcome, self._terms.origin)
        return self._settle(entry, Answered(reply, event.envelope), now)

    def decision(self, decision: Decision, cause: Envelope, now: int) -> Iterable[Effect]:
        """A reviewer decides: the first decision about a hold counts."""
        key = self.book.held_for(decision.review_id)
        entry = self.book.get(key) if key else None
        if not isinstance(entry, Pending) or entry.hold is None:
            return [Refused(WeirError("nothing is held for this review", code=Code.NOT_HELD, field="review_id"))]
        if decision.action == "refuse":
            reply = self._refusal(entry, Code.REFUSED_BY_REVIEWER, "review")
            return _waited(self._settle(entry, Answered(reply, cause), now), entry.hold, entry.due, now)
        if decision.text is not None and entry.hold.side == "prompt" and not decision.text.strip():
            return [Refused(UnreadableError("a prompt needs a text", code=Code.INVALID_FIELD, field="text"))]
        return _waited(self._release(entry, "review", decision.text, now), entry.hold, entry.due, now)

    def cancel(self, cancel: Cancel, source: str, conversation: str, app: str, now: int) -> Iterable[Effect]:
        """The application does not want the answer any more; its request may not have come yet."""
        if cancel.attempt is not None:
            return []  # for the model alone: judge answers
        identity = Identity(source, cancel.request_id, app, conversation)
        known = self.book.get(identity.key)
        if known is None:
            return [self._keep(Pending("cancelled", now + CANCEL_MS, identity), now)]
        if isinstance(known, Settled):
            return [Superseded("cancel")]
        return [] if known.state == "cancelled" else self._fail(known, Code.CANCELLED, "cancel", now)

    def tick(self, now: int, limit: int) -> Iterable[Effect]:
        """Time has passed: up to so many of those that are due end, or go on."""
        effects: list[Effect] = []
        for key, entry in self.book.due(now, limit):
            effects += self._end(key, entry, now)
        return effects

    def _again(self, known: Pending, arrival: Arrival, now: int) -> Iterable[Effect]:
        """A request comes that waits already, or whose cancellation does."""
        if known.state == "cancelled":
            asked = replace(known, identity=arrival.identity).at(arrival.place, arrival.digest)
            return self._fail(asked, Code.CANCELLED, "cancel", now)
        if any(place.same_as(arrival.place) for place in known.places):
            return []  # its outcome came before it
        if len(known.places) == MAX_PLACES:
            return [self._contradiction(arrival, now)]
        return [self._keep(known.at(arrival.place, arrival.digest), now)]

    def _end(self, key: bytes, entry: Entry, now: int) -> Iterable[Effect]:
        if isinstance(entry, Settled) or entry.state == "cancelled":
            self.book.remove(key)
            return [Forgotten(key)]
        if entry.state == "open":
            return self._fail(entry, Code.DEADLINE_EXCEEDED, "deadline", now)
        if entry.hold is not None and entry.hold.on_expiry == "release":
            return self._release(entry, "expiry", None, now)
        return self._settle(entry, Answered(self._refusal(entry, Code.HOLD_EXPIRED, "expiry")), now)

    def _waiting(self, event: Event[Outcome]) -> Pending | None:
        """The request that may be answered by this outcome."""
        outcome, envelope = event.record, event.envelope
        place = self._terms.origin.place(outcome.position)
        early = place is not None and place.offset >= self._read.get(place.partition, 0)
        known = self.book.get(UUID(request_key(envelope.source, envelope.id)).bytes)
        if known is None or (isinstance(known, Pending) and known.state == "cancelled"):
            if place is None or not early:
                return None  # of a request that was forgotten long ago
            identity = Identity(envelope.source, envelope.id, outcome.app, event.conversation)
            state = "open" if known is None else known.state
            return Pending(state, 0, identity, (place,), outcome.digest)
        if isinstance(known, Settled) or known.state == "held" or known.contradicts(outcome.digest):
            return None
        return None if known.passed and outcome.stage == "screen" else known

    def _hold(self, entry: Pending, event: Event[Outcome], hold: Hold, spot: Spot, now: int) -> Iterable[Effect]:
        until = now + _span(hold)
        reply = answers.on_hold(entry, event.record, until, self._terms.origin)
        held = replace(entry, state="held", due=until, hold=hold, held_at=spot)
        return [Answered(self._lasting(reply, entry.identity), event.envelope), self._keep(held, now)]

    def _release(self, entry: Pending, by: Answerer, text: str | None, now: int) -> Iterable[Effect]:
        """What was held goes on, with ``text`` in its place if there is one."""
        event = self._payload(entry)
        if event is None:
            return self._fail(entry, Code.PROCESSING_FAILED, by, now)
        outcome = event.record
        if outcome.work is None or (entry.hold and entry.hold.side == "response"):
            origin = self._terms.origin
            reply = (
                answers.released(entry, outcome, by, origin)
                if text is None
                else answers.edited(entry, outcome, text, origin)
            )
            return self._settle(entry, Answered(reply, event.envelope), now)
        due = now + round(self._allowance(entry.identity) * 1000)
        work = outcome.work if text is None else answers.reworded(outcome.work, text)
        work = work.model_copy(update={"deadline": moment(due)})
        if not answers.fits(work):
            return self._fail(entry, Code.TOO_LARGE, by, now)
        return [Released(work, event.envelope), self._keep(replace(entry, state="open", due=due, held_at=None), now)]

    def _payload(self, entry: Pending) -> Event[Outcome] | None:
        """The outcome that is held, unless it is gone, or its topic was created anew since."""
        event = self._terms.payloads.read(entry.held_at) if entry.held_at else None
        same = event is not None and event.record.hold == entry.hold
        return event if same else None

    def _fail(self, entry: Pending, code: Code, by: Answerer, now: int) -> Iterable[Effect]:
        late = (now - entry.due) / 1000 if by == "deadline" else None
        return self._settle(entry, Answered(answers.failed(entry, code, by, self._terms.origin), late=late), now)

    def _settle(self, entry: Pending, answered: Answered, now: int) -> Iterable[Effect]:
        if not answers.fits(answered.reply):
            failed = answers.failed(entry, Code.TOO_LARGE, answered.reply.answered_by, self._terms.origin)
            answered = replace(answered, reply=failed)
        reply = self._lasting(answered.reply, entry.identity)
        settled = Settled(now + self._terms.remember, now, reply.status, reply.code, entry.digest)
        self.book.put(entry.identity.key, settled, now)
        return [replace(answered, reply=reply), self._record(entry.identity, settled, entry.places)]

    def _keep(self, entry: Pending, now: int) -> Recorded:
        self.book.put(entry.identity.key, entry, now)
        return self._record(entry.identity, entry, entry.places)

    def _record(self, identity: Identity, entry: Entry, places: tuple[Place, ...]) -> Recorded:
        return Recorded(settlement_of(identity, entry, places, self._terms.origin, self._days(identity)))

    def _lasting(self, reply: Reply, identity: Identity) -> Reply:
        """The reply, with for how long the store may keep it: by whatever it is answered, its app's policy says so."""
        days = self._days(identity)
        return reply if days is None else reply.model_copy(update={"keep_days": days})

    def _days(self, identity: Identity) -> int | None:
        policy = self._policy(identity)
        return policy.retention.days if policy else None

    def _refusal(self, entry: Pending, code: Code, by: Answerer) -> Reply:
        policy = self._policy(entry.identity)
        message = policy.replies.refusal if policy else answers.REFUSAL
        return answers.refused(entry, code, by, message, self._terms.origin)

    def _allowance(self, identity: Identity) -> float:
        """Seconds that the model and its judge have after a release."""
        policy = self._policy(identity)
        limits = policy.deadline if policy else DEFAULT
        return min(limits.default_seconds, limits.max_seconds)

    def _policy(self, identity: Identity) -> Policy | None:
        assigned = self._terms.policies.assign(identity.app, identity.conversation)
        return assigned.policy if assigned else None

    def _contradiction(self, arrival: Arrival, now: int) -> Contradicted:
        """The verdict that accounts for a request that gets no answer of its own. Its id names the very message."""
        who, place, origin = arrival.identity, arrival.place, self._terms.origin
        unit = position_id(origin.topic, place.partition, place.offset)
        verdict = Verdict(
            verdict_id=derived_id(who.app, who.source, unit, "settle"),
            stage="settle",
            app=who.app,
            user=arrival.user,
            conversation_id=who.conversation,
            source=who.source,
            source_event_id=who.request_id,
            event_time=arrival.envelope.time,
            position=origin.position(place),
            judged_at=moment(now),
            judgement=Judgement(action=Action.BLOCK),
            code=Code.ID_CONFLICT,
            field="id",
            keep_days=self._days(who),
            traceparent=arrival.envelope.traceparent,
        )
        return Contradicted(verdict, arrival.envelope)


def _complete(outcome: Outcome) -> bool:
    """Whether a held outcome, and no other, says what it waits for and what follows a release."""
    if outcome.status != "held" or outcome.hold is None:
        return outcome.status != "held"
    return (outcome.work if outcome.hold.side == "prompt" else outcome.text) is not None


def _span(hold: Hold) -> int:
    """How long it waits for a decision."""
    return min(hold.seconds, _LONGEST_HOLD_S) * 1000


def _waited(effects: Iterable[Effect], hold: Hold, due: int, now: int) -> Iterable[Effect]:
    """What a person's decision leads to, with how long it had been waited for: the hold ends when it is ``due``."""
    seconds = max(0, now - (due - _span(hold))) / 1000
    return [replace(each, waited=seconds) if isinstance(each, Answered | Released) else each for each in effects]
