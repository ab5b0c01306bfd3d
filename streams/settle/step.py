"""From messages to what is to be written: reads each input, asks the rules, and encodes what they want.

Pure but for the payloads that the rules may fetch. What cannot be read becomes a dead letter, except requests:
those that nobody can name are dead letters of ``screen``, which reads them too.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.codec import EventError, Message, decode
from schemas.conversation import UNREADABLE_APP, Request
from schemas.errors import Code, UnavailableError, UnreadableError, WeirError
from schemas.ids import digest
from schemas.reply import Outcome, Spot
from schemas.review import Cancel, Decision
from schemas.topics import CANCELS, DECISIONS, OUTCOMES, REQUESTS, Namespace
from streams.policies.assignment import Policies
from streams.requests.cancel import cancelled_source
from streams.requests.deadline import DEFAULT, deadline_of
from streams.settle.effects import Effect, Refused
from streams.settle.entry import Identity, Place, milliseconds
from streams.settle.state import Arrival, Settler

INPUTS: Final = (REQUESTS, OUTCOMES, CANCELS, DECISIONS)
STAGE: Final = "settle"


@dataclass(frozen=True, slots=True)
class Consequence:
    """One effect, and the message that caused it; None where time did."""

    effect: Effect
    message: Message | None = None


class PoisonError(Exception):
    """A message that the rules fail on: a bug. What they remember is not to be trusted any more."""

    def __init__(self, message: Message) -> None:
        super().__init__(f"failed on {message.topic}:{message.partition}:{message.offset}")
        self.spot = (message.topic, message.partition, message.offset)


class Step:
    """What one turn of the loop does with what it has read.

    Messages at the spots ``poison`` (topic, partition, offset) have failed before: they become dead letters.
    """

    def __init__(
        self,
        settler: Settler,
        namespace: Namespace,
        policies: Policies,
        poison: Container[tuple[str, int, int]] = frozenset(),
    ) -> None:
        self._settler = settler
        self._namespace = namespace
        self._policies = policies
        self._poison = poison
        self._handlers = {
            namespace.of(REQUESTS): self._request,
            namespace.of(OUTCOMES): self._outcome,
            namespace.of(CANCELS): self._cancel,
            namespace.of(DECISIONS): self._decision,
        }

    def process(self, messages: Sequence[Message], now: int, limit: int) -> Sequence[Consequence]:
        """Every message in turn, then up to ``limit`` of what is due by ``now`` (milliseconds since the epoch).

        Outcomes that wait to be read so beat a deadline that has passed meanwhile.

        Raises:
            PoisonError: the rules failed on a message. Restore them before anything else is asked of them.
            UnavailableError: a payload cannot be fetched. Likewise.
        """
        found = [Consequence(effect, message) for message in messages for effect in self._handle(message, now)]
        found += map(Consequence, self._settler.tick(now, limit))
        return found

    def _handle(self, message: Message, now: int) -> Iterable[Effect]:
        if (message.topic, message.partition, message.offset) in self._poison:
            if message.topic == self._namespace.of(REQUESTS):
                self._settler.skip(message.partition, message.offset)
            return (Refused(WeirError("settle could not process it", code=Code.PROCESSING_FAILED)),)
        try:
            return self._handlers[message.topic](message, now)
        except UnavailableError:
            raise
        except Exception as error:
            raise PoisonError(message) from error

    def _request(self, message: Message, now: int) -> Iterable[Effect]:
        try:
            event = decode(message, Request, REQUESTS.type_name)
        except EventError as error:
            request, envelope, conversation = None, error.envelope, error.conversation
        except UnreadableError:
            self._settler.skip(message.partition, message.offset)
            return ()
        else:
            request, envelope, conversation = event.record, event.envelope, event.conversation
        app = request.app if request else UNREADABLE_APP
        assigned = self._policies.assign(app, conversation) if request else None
        limits = assigned.policy.deadline if assigned else DEFAULT
        arrival = Arrival(
            identity=Identity(envelope.source, envelope.id, app, conversation),
            envelope=envelope,
            place=Place(message.partition, message.offset, milliseconds(message.timestamp)),
            digest=digest(message.value or b""),
            due=milliseconds(deadline_of(request, message.timestamp, limits)),
            user=request.user if request else None,
        )
        return self._settler.request(arrival, now)

    def _outcome(self, message: Message, now: int) -> Iterable[Effect]:
        try:
            event = decode(message, Outcome, OUTCOMES.type_name)
        except UnreadableError as error:
            return (Refused(error),)
        if not event.envelope.identified:
            return (Refused(_missing("ce_id")),)
        return self._settler.outcome(event, Spot(partition=message.partition, offset=message.offset), now)

    def _cancel(self, message: Message, now: int) -> Iterable[Effect]:
        try:
            event = decode(message, Cancel, CANCELS.type_name)
        except UnreadableError as error:
            return (Refused(error),)
        source = cancelled_source(event, self._namespace)
        return self._settler.cancel(event.record, source, event.conversation, UNREADABLE_APP, now)

    def _decision(self, message: Message, now: int) -> Iterable[Effect]:
        try:
            event = decode(message, Decision, DECISIONS.type_name)
        except UnreadableError as error:
            return (Refused(error),)
        return self._settler.decision(event.record, event.envelope, now)


def _missing(field: str) -> WeirError:
    return UnreadableError("says which request it is about", code=Code.MISSING_FIELD, field=field)
