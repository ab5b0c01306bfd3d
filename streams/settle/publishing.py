"""Effects as messages for their topics. The same effect has the same ids whenever it is written."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from schemas.codec import Message, Outgoing, encode
from schemas.dead_letter import dead_letter
from schemas.envelope import Envelope, event_type
from schemas.errors import WeirError
from schemas.ids import derived_id
from schemas.record import Record
from schemas.reply import Reply
from schemas.topics import (
    REPLIES,
    SETTLED,
    VERDICTS,
    WORK_BULK,
    WORK_INTERACTIVE,
    Namespace,
    Topic,
)
from streams.settle.effects import Answered, Contradicted, Effect, Forgotten, Recorded, Refused, Released
from streams.settle.settlements import final_id, identity_of
from streams.settle.step import INPUTS, STAGE, Consequence, PoisonError
from streams.stage import Publication


def reply_id(reply: Reply) -> UUID:
    """The id of a reply: a request has one final reply, and one about a hold of its prompt and of its response."""
    if reply.final:
        return final_id(reply.app, reply.request_source, reply.request_id)
    return derived_id(reply.app, reply.request_source, reply.request_id, f"hold:{reply.answered_by}")


class Scribe:
    """Writes consequences down as publications, in order; what is only counted makes none."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._inputs = {namespace.of(topic): topic for topic in INPUTS}

    def publications(self, consequences: Iterable[Consequence], now: datetime) -> Sequence[Publication]:
        """The messages to be written at this time.

        Raises:
            PoisonError: what a message led to cannot be written down.
        """
        found = (self._publication(each, now) for each in consequences)
        return [publication for publication in found if publication is not None]

    def _publication(self, consequence: Consequence, now: datetime) -> Publication | None:
        if isinstance(consequence.effect, Refused) and consequence.message is not None:
            return self._dead_letter(consequence.message, consequence.effect.error)
        try:
            return self._event(consequence.effect, now)
        except Exception as error:
            if consequence.message is None:
                raise
            raise PoisonError(consequence.message) from error

    def _event(self, effect: Effect, now: datetime) -> Publication | None:
        match effect:
            case Answered(reply, envelope):
                own = self._envelope(REPLIES, reply_id(reply), now, envelope)
                return self._write(REPLIES, reply, reply.conversation, own)
            case Recorded(settlement):
                key = UUID(bytes=identity_of(settlement).key)
                return self._write(SETTLED, settlement, str(key), self._envelope(SETTLED, key, now))
            case Forgotten(key):
                return Publication(self._namespace.of(SETTLED), Outgoing(str(UUID(bytes=key)).encode(), None))
            case Released(work, envelope):
                topic = WORK_BULK if work.request.priority == "bulk" else WORK_INTERACTIVE
                own = envelope.model_copy(update={"type": event_type(topic.type_name), "time": now})
                return self._write(topic, work, work.conversation, own)
            case Contradicted(verdict, envelope):
                own = self._envelope(VERDICTS, verdict.verdict_id, now, envelope)
                return self._write(VERDICTS, verdict, verdict.conversation_id, own)
        return None

    def _write(self, topic: Topic, record: Record, key: str, envelope: Envelope) -> Publication:
        return Publication(self._namespace.of(topic), encode(record, envelope, key))

    def _envelope(self, topic: Topic, own_id: UUID, now: datetime, cause: Envelope | None = None) -> Envelope:
        """An envelope of settle's own, within the trace of what caused it."""
        return Envelope(
            id=str(own_id),
            source=f"{self._namespace.prefix}/{STAGE}",
            type=event_type(topic.type_name),
            time=now,
            traceparent=cause.traceparent if cause else None,
            tracestate=cause.tracestate if cause else None,
        )

    def _dead_letter(self, message: Message, error: WeirError) -> Publication:
        topic = self._inputs[message.topic]
        letter = dead_letter(message, STAGE, error, topic.max_message_bytes)
        return Publication(self._namespace.dead_letters_of(topic), letter)
