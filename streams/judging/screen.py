"""screen: requests before any model sees them. They become work, wait for a person, or are answered at once."""

from typing import Final

from guards.exchange import Exchange
from guards.operators import Operators
from guards.redaction import redact
from schemas.actions import Action
from schemas.codec import Event
from schemas.conversation import Request
from schemas.ids import digest
from schemas.topics import REQUESTS, WORK_BULK, WORK_INTERACTIVE, Topic
from schemas.verdict import Stage
from schemas.work import Work
from streams.judging.flow import Arrival, Consequences, Failure, Ruling, Subject
from streams.judging.outbox import Outbox
from streams.judging.outcomes import Asked, Outcomes
from streams.judging.planning import Planner
from streams.judging.surroundings import Surroundings
from streams.requests.deadline import deadline_of
from streams.stage import Publication, Publications
from streams.vault.keeper import subject_of


class Screen:
    """Judges prompt and context of a request. What the policy redacts, the model never sees."""

    name: Final[Stage] = "screen"
    topic: Final[Topic] = REQUESTS
    record: Final = Request

    def __init__(self, given: Surroundings) -> None:
        self._outbox = Outbox(self.name, given.namespace, given.clock)
        self._outcomes = Outcomes("screen", "prompt", self._outbox)
        self._keeper = given.keeper
        self._salt = given.sampler.secret
        self._planner = Planner(given.sampler.secret)

    def subject(self, event: Event[Request]) -> Subject:
        record = event.record
        return Subject(record.app, record.user, event.conversation, record.model, Exchange.of(record))

    def follow(self, arrival: Arrival[Request], ruling: Ruling) -> Consequences:
        if ruling.judgement.action is Action.BLOCK:
            return Consequences((self._outcomes.refused(_asked(arrival), ruling),))
        work = self._work(arrival, ruling)
        if ruling.judgement.action is Action.HOLD:
            return Consequences(self._outcomes.held(_asked(arrival), ruling, work=work))
        return Consequences((self._hand_on(arrival, work), *self._copied(arrival, work, ruling)))

    def fail(self, arrival: Arrival[Request], failure: Failure) -> Publications:
        return (self._outcomes.failed(_asked(arrival), failure),)

    def _work(self, arrival: Arrival[Request], ruling: Ruling) -> Work:
        """The request as the model may see it, placeholders in place of what the policy redacts."""
        request, subject, policy = arrival.record, arrival.subject, ruling.policy
        assert request is not None  # only what could be read is ruled on
        redacted = redact(ruling.exchange, ruling.judgement, operators=Operators(policy.redaction, self._salt))
        sealed = None
        if redacted.placeholders and policy.replies.restore and self._keeper is not None:
            owner = subject_of(subject.app, subject.user, subject.conversation)
            sealed = self._keeper.seal(owner, redacted.placeholders, arrival.request_key)
        texts = {"messages": redacted.exchange.prompt, "context": redacted.exchange.context}
        return Work(
            request=request.model_copy(update=texts),
            conversation=subject.conversation,
            position=arrival.position,
            digest=_digest(arrival),
            deadline=deadline_of(request, arrival.position.time, policy.deadline),
            policy=policy.reference,
            placeholders=sealed,
            plan=self._planner.plan(policy, request, subject.conversation),
        )

    def _copied(self, arrival: Arrival[Request], work: Work, ruling: Ruling) -> Publications:
        """The same for a model on trial, if the conversation has one: in the bulk lane, and for nobody to read."""
        request = work.request
        plan = self._planner.shadow(ruling.policy, request, work.conversation)
        if plan is None:
            return ()
        unread = request.parameters.model_copy(update={"stream": None}) if request.parameters else None
        copied = request.model_copy(update={"parameters": unread, "priority": "bulk"})
        copy = work.model_copy(update={"request": copied, "plan": plan, "placeholders": None})
        return (self._hand_on(arrival, copy),)

    def _hand_on(self, arrival: Arrival[Request], work: Work) -> Publication:
        topic = WORK_BULK if work.request.priority == "bulk" else WORK_INTERACTIVE
        return self._outbox.forward(topic, work, arrival.envelope, work.conversation)


def _asked(arrival: Arrival[Request]) -> Asked:
    subject = arrival.subject
    return Asked(arrival.envelope, subject.app, subject.user, subject.conversation, arrival.position, _digest(arrival))


def _digest(arrival: Arrival[Request]) -> str:
    return digest(arrival.message.value or b"")
