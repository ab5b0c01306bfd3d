"""The stages that judge: ``screen`` reads requests, ``observe`` reads interactions, both write verdicts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, Final
from uuid import UUID

from guards.exchange import Exchange
from guards.pipeline import Case, Pipeline
from monitors.sampling import Sampler
from schemas.actions import Action
from schemas.codec import Event, EventError, Message, Outgoing, decode, encode
from schemas.conversation import Interaction, Request
from schemas.dead_letter import reason_headers
from schemas.envelope import Envelope, event_type
from schemas.errors import Code, UnreadableError, WeirError
from schemas.ids import derived_id
from schemas.policy import Policy, PolicyBook
from schemas.topics import VERDICTS, Namespace, Topic
from schemas.verdict import Judgement, Position, Stage, Verdict
from streams.metrics import Metrics
from streams.stage import Publication

UNREADABLE_APP: Final = "unknown"
"""Stands in a verdict for the app of an event whose body could not be read."""

Body = Request | Interaction


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a judging stage is given: nothing of it is looked up by the stage itself.

    ``load_pipeline`` may take seconds. ``topic_id`` maps a topic's full name to the id that the broker gave it.
    """

    namespace: Namespace
    policies: PolicyBook
    sampler: Sampler
    metrics: Metrics
    load_pipeline: Callable[[], Pipeline]
    topic_id: Callable[[str], str]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


class JudgingStage:
    """Judges every record of one topic by the policy of its app.

    What can be read ends in a verdict; so does an unreadable body whose producer gave it an id (with a code). The
    rest ends in a dead letter.
    """

    def __init__(self, name: Stage, topic: Topic, surroundings: Surroundings) -> None:
        self.name: Stage = name
        self.topic = topic
        self._given = surroundings
        self._pipeline: Pipeline | None = None
        self._topic_id = ""

    def load(self) -> None:
        if self._pipeline is None:
            self._topic_id = self._given.topic_id(self._given.namespace.of(self.topic))
            self._pipeline = self._given.load_pipeline()

    def process(self, messages: Sequence[Message]) -> Sequence[Publication]:
        decoded = [self._decode(message) for message in messages]
        cases: dict[int, Case] = {}
        for index, event in enumerate(decoded):
            policy = self._given.policies.for_app(event.record.app) if isinstance(event, Event) else None
            if isinstance(event, Event) and policy is not None:
                cases[index] = Case(Exchange.of(event.record), policy)
        start = perf_counter()
        judgements = dict(zip(cases, self._judge(list(cases.values())), strict=True))
        seconds = (perf_counter() - start) / max(1, len(cases))
        publications = []
        for index, (message, event) in enumerate(zip(messages, decoded, strict=True)):
            if isinstance(event, UnreadableError) and not isinstance(event, EventError):
                publications.append(self._dead_letter(message, event))
                continue
            facts = self._facts(message, event)
            if index in cases:
                facts |= self._judged(cases[index].policy, judgements[index], facts["verdict_id"], seconds)
            publications.append(self._publish(Verdict(**facts), event))
        return publications

    def give_up(self, message: Message, error: Exception) -> Publication:
        reason = f"{self.name} could not process it: {type(error).__name__}"
        return self._dead_letter(message, WeirError(reason, code=Code.PROCESSING_FAILED))

    def _decode(self, message: Message) -> Event[Body] | UnreadableError:
        model: type[Body] = Request if self.topic.record is Request else Interaction
        try:
            return decode(message, model, self.topic.type_name)
        except UnreadableError as error:
            return error

    def _judge(self, cases: Sequence[Case]) -> list[Judgement]:
        if self._pipeline is None:
            raise RuntimeError("load() comes first")
        return self._pipeline.judge(cases)

    def _facts(self, message: Message, event: Event[Body] | EventError) -> dict[str, Any]:
        """What a verdict says of its event, whatever the judgement; as if no policy served the app."""
        envelope = event.envelope
        record = event.record if isinstance(event, Event) else None
        app = record.app if record else UNREADABLE_APP
        code, field = (event.code, event.field) if isinstance(event, EventError) else (Code.UNKNOWN_APP, "app")
        return {
            "verdict_id": derived_id(app, envelope.source, envelope.id, self.name),
            "stage": self.name,
            "app": app,
            "user": record.user if record else None,
            "model": record.model if record else None,
            "conversation_id": event.conversation,
            "source": envelope.source,
            "source_event_id": envelope.id,
            "event_time": envelope.time,
            "position": Position(
                topic=message.topic,
                topic_id=self._topic_id,
                partition=message.partition,
                offset=message.offset,
                time=message.timestamp,
            ),
            "judged_at": self._given.clock(),
            "traceparent": envelope.traceparent,
            "judgement": Judgement(action=Action.BLOCK),
            "code": code,
            "field": field,
        }

    def _judged(self, policy: Policy, judgement: Judgement, unit: UUID, seconds: float) -> dict[str, Any]:
        """What a verdict says of its judgement. ``seconds`` is the event's share of its batch."""
        return {
            "judgement": judgement,
            "code": _incomplete(judgement),
            "field": None,
            "policy": policy.reference,
            "versions": dict(self._pipeline.versions_for(policy)) if self._pipeline else {},
            "review_probability": policy.sampling.review,
            "review_sampled": self._given.sampler.keeps(str(unit), policy.sampling.review),
            "guard_seconds": seconds,
        }

    def _publish(self, verdict: Verdict, event: Event[Body] | EventError) -> Publication:
        self._given.metrics.events.labels(self.name, verdict.judgement.action).inc()
        for finding in verdict.judgement.findings():
            self._given.metrics.findings.labels(self.name, finding.guard, finding.label, finding.action).inc()
        envelope = Envelope(
            id=str(verdict.verdict_id),
            source=f"{self._given.namespace.prefix}/{self.name}",
            type=event_type(VERDICTS.type_name),
            time=verdict.judged_at,
            traceparent=event.envelope.traceparent,
            tracestate=event.envelope.tracestate,
        )
        topic = self._given.namespace.of(VERDICTS)
        return Publication(topic, encode(verdict, envelope, key=verdict.conversation_id))

    def _dead_letter(self, message: Message, error: WeirError) -> Publication:
        self._given.metrics.dead_letters.labels(self.name, error.code).inc()
        headers = reason_headers(message, self.name, error)
        topic = self._given.namespace.dead_letters_of(self.topic)
        return Publication(topic, Outgoing(message.key, message.value, headers))


def _incomplete(judgement: Judgement) -> str | None:
    """The code of a judgement that does not cover all of its event."""
    errors = {finding.label for finding in judgement.findings() if finding.kind == "error"}
    return next((code for code in (Code.TOO_LONG, Code.GUARD_FAILED) if code in errors), None)
