"""One judging stage: messages are read, judged together, and end in a verdict with its consequences."""

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Generic

from guards.exchange import Exchange
from guards.pipeline import Case, Pipeline
from schemas.codec import EventError, Message, decode
from schemas.conversation import NOBODY, UNREADABLE_APP
from schemas.errors import UnreadableError, WeirError, unprocessed
from schemas.record import Record
from schemas.topics import REVIEWS, VERDICTS
from schemas.verdict import Position, Verdict
from streams.judging.flow import FORGOTTEN, LIVE, Arrival, B, Failure, Flow, Ruling, Subject
from streams.judging.keeping import kept
from streams.judging.outbox import Outbox
from streams.judging.surroundings import Surroundings
from streams.judging.verdicts import Ruled, Verdicts
from streams.reviews.sample import sample_review
from streams.stage import Publication, Publications
from streams.tracing.steps import judged


class JudgingStage(Generic[B]):
    """Judges every event of one topic by the policy of its app, and publishes what its flow makes of that.

    What can be read ends in a verdict; so does an unreadable body whose producer gave it an id (with a code). The
    rest ends in a dead letter. A policy on trial adds a verdict of its own and changes nothing.
    """

    def __init__(self, flow: Flow[B], surroundings: Surroundings) -> None:
        self.name = flow.name
        self.topic = flow.topic
        self._flow = flow
        self._given = surroundings
        self._outbox = Outbox(flow.name, surroundings.namespace, surroundings.clock)
        self._verdicts = Verdicts(flow.name, surroundings)
        self._pipeline: Pipeline | None = None
        self._topic_id = ""

    def load(self) -> None:
        if self._pipeline is None:
            self._topic_id = self._given.topic_id(self._given.namespace.of(self.topic))
            self._pipeline = self._given.load_pipeline()

    def process(self, messages: Sequence[Message]) -> Sequence[Publications]:
        arrivals = [self._read(message) for message in messages]
        rulings = iter(self._judge([each for each in arrivals if isinstance(each, Arrival) and not each.failure]))
        ends: list[Publications] = []
        for message, arrival in zip(messages, arrivals, strict=True):
            if isinstance(arrival, UnreadableError):
                ends.append((self._dead_letter(message, arrival),))
            elif arrival.failure is not None:
                ends.append(self._fail(arrival, arrival.failure))
            else:
                ends.append(self._follow(arrival, next(rulings)))
        return ends

    def give_up(self, message: Message, error: Exception) -> Publication:
        return self._dead_letter(message, unprocessed(self.name, error))

    def _read(self, message: Message) -> Arrival[B] | UnreadableError:
        position = Position(
            topic=message.topic,
            topic_id=self._topic_id,
            partition=message.partition,
            offset=message.offset,
            time=message.timestamp,
        )
        try:
            event = decode(message, self._flow.record, self.topic.type_name)
        except EventError as error:
            unknown = Subject(UNREADABLE_APP, None, error.conversation, None, Failure.of(error))
            return Arrival(message, position, error.envelope, None, unknown, None)
        except UnreadableError as error:
            return error
        subject = self._flow.subject(event)
        if self._given.forgets.covers(
            subject.app, subject.user, subject.conversation, subject.asked_at or message.timestamp
        ):
            subject = Subject(subject.app, None, NOBODY, None, FORGOTTEN, run=subject.run)
        assignment = self._given.policies.assign(subject.app, subject.conversation)
        return Arrival(message, position, event.envelope, event.record, subject, assignment)

    def _judge(self, arrivals: Sequence[Arrival[B]]) -> list[tuple[Ruling, ...]]:
        """The rulings on each event: by the policy in force, and by the one on trial if there is one.

        All are judged at once, so that what two policies want to know of a text is read once.
        """
        if self._pipeline is None:
            raise RuntimeError("load() comes first")
        start = perf_counter()
        cases = [tuple(_cases(arrival)) for arrival in arrivals]
        judgements = iter(self._pipeline.judge([case for mine in cases for case in mine]))
        seconds = (perf_counter() - start) / max(1, len(arrivals))
        versions = self._pipeline.versions_for
        return [
            tuple(Ruling(c.policy, c.exchange, next(judgements), versions(c.policy), seconds) for c in mine)
            for mine in cases
        ]

    def _follow(self, arrival: Arrival[B], rulings: Sequence[Ruling]) -> Publications:
        ruling, *trials = rulings
        if arrival.subject.run != LIVE:
            return (self._report(self._verdicts.shadowed(arrival, ruling), arrival),)
        consequences = self._flow.follow(arrival, ruling)
        ruled = self._verdicts.ruled(arrival, ruling, consequences.code)
        shadows = [self._verdicts.shadowed(arrival, trial) for trial in trials]
        keeper = self._given.keeper
        return (
            *(self._report(each, arrival) for each in (ruled.verdict, *shadows)),
            *self._sampled(ruled, arrival),
            *consequences.publications,
            *(kept(keeper, self.name, arrival, ruling) if keeper else ()),
        )

    def _sampled(self, ruled: Ruled, arrival: Arrival[B]) -> Publications:
        """What people are asked about a verdict that was drawn for the sample."""
        verdict = ruled.verdict
        if not verdict.review_sampled:
            return ()
        self._given.metrics.samples.labels(self.name, verdict.review_stratum or "").inc()
        review = sample_review(verdict, ruled.readings)
        return (self._outbox.report(REVIEWS, review, arrival.envelope, review.review_id, str(review.review_id)),)

    def _fail(self, arrival: Arrival[B], failure: Failure) -> Publications:
        verdict = self._report(self._verdicts.failed(arrival, failure), arrival)
        return (verdict,) if arrival.subject.run != LIVE else (verdict, *self._flow.fail(arrival, failure))

    def _report(self, verdict: Verdict, arrival: Arrival[B]) -> Publication:
        if verdict.run == LIVE:
            position = arrival.position
            self._given.tracer.record(arrival.envelope, lambda: judged(verdict, position.time, position.topic))
            self._given.metrics.events.labels(self.name, verdict.judgement.action).inc()
            for finding in verdict.judgement.findings():
                self._given.metrics.findings.labels(self.name, finding.guard, finding.label, finding.action).inc()
        return self._outbox.report(VERDICTS, verdict, arrival.envelope, verdict.verdict_id, verdict.conversation_id)

    def _dead_letter(self, message: Message, error: WeirError) -> Publication:
        self._given.metrics.dead_letters.labels(self.name, error.code).inc()
        return self._outbox.dead_letter(self.topic, message, error)


def _cases(arrival: Arrival[Record]) -> Iterator[Case]:
    exchange, assignment = arrival.subject.content, arrival.assignment
    if isinstance(exchange, Exchange) and assignment is not None:
        yield Case(exchange, assignment.policy)
        if assignment.shadow is not None and arrival.subject.run == LIVE:
            yield Case(exchange, assignment.shadow)
