"""collect: what people say of answers, its comments masked before anything else sees them.

Nothing is joined here. Feedback may come before its verdict or after it, and a join that waits in memory would be
wrong after a crash; the store has both sides once each and joins them when it is asked (``v_feedback``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from guards.exchange import Exchange
from guards.pipeline import Case, Pipeline
from schemas.codec import Event, Message, decode
from schemas.conversation import Message as Said
from schemas.errors import Code, UnreadableError, WeirError, unprocessed
from schemas.feedback import Feedback, Opinion
from schemas.ids import derived_id
from schemas.policy import Policy
from schemas.topics import FEEDBACK, INTERACTIONS, OPINIONS, REQUESTS, Namespace, Topic
from schemas.verdict import Position, SideJudgement
from streams.judging.outbox import Outbox
from streams.judging.surroundings import Surroundings
from streams.stage import Publication, Publications


@dataclass(frozen=True, slots=True)
class _Heard:
    """Feedback that can be kept, and the policy by which its comment is judged."""

    message: Message
    event: Event[Feedback]
    policy: Policy
    comment: SideJudgement | None = None


class Collect:
    """Turns feedback into opinions, one each; what cannot be read, or is of no app of ours, becomes a dead letter."""

    name: Final = "collect"
    topic: Final[Topic] = FEEDBACK

    def __init__(self, given: Surroundings) -> None:
        self._given = given
        self._outbox = Outbox(self.name, given.namespace, given.clock)
        self._pipeline: Pipeline | None = None
        self._topic_id = ""

    def load(self) -> None:
        if self._pipeline is None:
            self._topic_id = self._given.topic_id(self._given.namespace.of(self.topic))
            self._pipeline = self._given.load_pipeline()

    def process(self, messages: Sequence[Message]) -> Sequence[Publications]:
        read = [self._read(message) for message in messages]
        judged = iter(self._judge([each for each in read if isinstance(each, _Heard)]))
        return [
            (self._opinion(next(judged)) if isinstance(each, _Heard) else self._dead_letter(message, each),)
            for message, each in zip(messages, read, strict=True)
        ]

    def give_up(self, message: Message, error: Exception) -> Publication:
        return self._dead_letter(message, unprocessed(self.name, error))

    def _read(self, message: Message) -> _Heard | UnreadableError:
        try:
            event = decode(message, Feedback, self.topic.type_name)
        except UnreadableError as error:
            return error
        assignment = self._given.policies.assign(event.record.app, event.conversation)
        if assignment is None:
            return UnreadableError("no policy serves this app", code=Code.UNKNOWN_APP, field="app")
        said = event.record
        if self._given.forgets.covers(said.app, said.user, event.conversation, message.timestamp):
            # The writer keeps no more of it than that it was there.
            event = replace(event, record=said.model_copy(update={"comment": None}))
        return _Heard(message, event, assignment.policy)

    def _judge(self, heard: Sequence[_Heard]) -> list[_Heard]:
        """The same with every comment judged and masked, in one batch."""
        if self._pipeline is None:
            raise RuntimeError("load() comes first")
        cases = [Case(Exchange(prompt=(Said(role="user", content=each.event.record.comment),)), each.policy)
                 for each in heard if each.event.record.comment is not None]  # fmt: skip
        judgements = iter(self._pipeline.judge(cases))
        return [
            each if each.event.record.comment is None else replace(each, comment=next(judgements).prompt)
            for each in heard
        ]

    def _opinion(self, heard: _Heard) -> Publication:
        said, envelope, message = heard.event.record, heard.event.envelope, heard.message
        opinion = Opinion(
            feedback_id=derived_id(said.app, envelope.source, envelope.id, self.name),
            app=said.app,
            user=said.user,
            conversation=heard.event.conversation,
            source=envelope.source,
            source_event_id=envelope.id,
            event_time=envelope.time,
            position=Position(
                topic=message.topic,
                topic_id=self._topic_id,
                partition=message.partition,
                offset=message.offset,
                time=message.timestamp,
            ),
            about=said.about,
            about_source=about_source(heard.event, self._given.namespace),
            about_id=said.about_id,
            thumb=said.thumb,
            rating=said.rating,
            reason=said.reason,
            sentiment=said.sentiment,
            comment=heard.comment,
            policy=heard.policy.reference,
            keep_days=heard.policy.retention.days,
            traceparent=envelope.traceparent,
        )
        self._given.metrics.feedback.labels(said.sentiment or "none").inc()
        return self._outbox.report(OPINIONS, opinion, envelope, opinion.feedback_id, opinion.conversation)

    def _dead_letter(self, message: Message, error: WeirError) -> Publication:
        self._given.metrics.dead_letters.labels(self.name, error.code).inc()
        return self._outbox.dead_letter(self.topic, message, error)


def about_source(event: Event[Feedback], namespace: Namespace) -> str:
    """The source of the request or interaction that feedback is about.

    Where nobody named one, the feedback's topic stands in for its own: for what it is about it was another.
    """
    source = event.record.source or event.envelope.source
    if source != namespace.of(FEEDBACK):
        return source
    return namespace.of(REQUESTS if event.record.about == "request" else INTERACTIONS)
