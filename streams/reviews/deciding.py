"""Decisions about what is held: sent, delivered, and what came of them."""

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Self
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.codec import Message, decode, validate
from schemas.dead_letter import read_reason
from schemas.errors import Code, UnreadableError, WeirError
from schemas.ids import request_key
from schemas.reply import Settlement
from schemas.review import Decision
from schemas.topics import DECISIONS, MIB, SETTLED, TOPICS
from streams.kafka.admin import KafkaAdmin
from streams.kafka.clients import confluent_config
from streams.kafka.received import received_message
from streams.reviews.posting import Post
from streams.reviews.stored import StoredReview
from streams.settings import Settings

PATIENCE_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Aftermath:
    """How the request stands after a decision: ``open`` again, on its way to the model, or ``settled``."""

    state: Literal["open", "settled"]
    status: str | None = None
    code: str | None = None


def decision_on(
    review: StoredReview, action: str, by: str, *, text: str | None = None, reason: str | None = None
) -> Decision:
    """A decision about the review: ``release``, ``edit`` (with the text that takes its place) or ``refuse``.

    Raises:
        UnreadableError: it breaks a rule; names the field.
        WeirError: ``NOT_HELD``: nothing is held for this review any more.
    """
    if not review.is_open:
        ended = " ".join(each for each in (review.state, review.status, review.code) if each)
        raise WeirError(f"nothing is held for it any more: {ended}", code=Code.NOT_HELD, field=str(review.review_id))
    fields = {"action": action, "text": text, "reason": reason, "decided_by": by}
    return validate({"review_id": review.review_id, **fields}, Decision)


def decide(
    settings: Settings, review: StoredReview, decision: Decision, patience: float = PATIENCE_SECONDS
) -> Aftermath | None:
    """Send the decision, and wait up to ``patience`` seconds for what comes of it; None if that is not seen.

    Raises:
        UnavailableError: it was not delivered.
        WeirError: settle refuses it; ``NOT_HELD``: another decision or the hold's end came first.
    """
    event_id = str(uuid4())
    with Post(settings) as post, _Aftermaths(settings, review, event_id) as aftermaths:
        post.send(DECISIONS, decision, str(decision.review_id), event_id)
        return aftermaths.wait(patience)


class _Aftermaths:
    """Watches, from where they end now, the topics in which settle tells what it made of a decision."""

    def __init__(self, settings: Settings, review: StoredReview, event_id: str) -> None:
        self._settings = settings
        self._review = review
        self._event_id = event_id.encode()
        self._key = request_key(review.source, review.request_id).encode()
        self._refusals = settings.topics.dead_letters_of(DECISIONS)

    def __enter__(self) -> Self:
        with KafkaAdmin(self._settings) as admin:
            topics = admin.describe([self._settings.topics.of(SETTLED), self._refusals])
            ends = [TopicPartition(place.topic, place.partition, span.past) for place, span in
                    admin.spans(topics.values()).items()]  # fmt: skip
        config = {
            **confluent_config(self._settings),
            "group.id": f"{self._settings.namespace}.review",  # required, never joined
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "receive.message.max.bytes": max(topic.max_message_bytes for topic in TOPICS) + 16 * MIB,
            "fetch.max.bytes": 16 * MIB,
        }
        self._consumer = Consumer(config)
        self._consumer.assign(ends)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()

    def wait(self, seconds: float) -> Aftermath | None:
        """What is told first; None if nothing is in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                received = self._consumer.poll(_POLL_SECONDS)
            except KafkaException:
                return None
            if received is not None and received.error() is None:
                found = self._read(received_message(received))
                if found is not None:
                    return found
        return None

    def _read(self, message: Message) -> Aftermath | None:
        if message.topic == self._refusals:
            if dict(message.headers).get("ce_id") == self._event_id:
                raise _refusal(message)
            return None
        if message.key != self._key or not message.value:
            return None
        try:
            settlement = decode(message, Settlement, SETTLED.type_name).record
        except UnreadableError:
            return None
        return _aftermath(settlement)


def _aftermath(settlement: Settlement) -> Aftermath | None:
    if settlement.state == "settled":
        return Aftermath("settled", settlement.status, settlement.code)
    # Still held: written when the hold began, and read only now.
    return Aftermath("open") if settlement.state == "open" else None


def _refusal(message: Message) -> WeirError:
    reason = read_reason(message.headers)
    code = Code.__members__.get(reason.code, Code.PROCESSING_FAILED)
    return WeirError(reason.message or "settle refuses it", code=code, field=reason.field)
