"""judge: what a model made of a request, before the application sees it."""

from collections.abc import Mapping
from typing import Any, Final

from guards.exchange import Exchange
from guards.operators import Operators
from guards.redaction import redact, restore
from schemas.actions import Action, worst
from schemas.codec import Event
from schemas.errors import Code, WeirError
from schemas.topics import COMPLETIONS, Topic
from schemas.verdict import Stage
from schemas.work import Completion, Released, Streamed
from streams.judging.flow import LIVE, Arrival, Consequences, Failure, Ruling, Subject
from streams.judging.outbox import Outbox
from streams.judging.outcomes import Asked, Outcomes
from streams.judging.surroundings import Surroundings
from streams.stage import Publications


class Judge:
    """Judges the response alone, against the question and the context that screen has let through.

    What screen redacted is put back after the response is judged: the guards see placeholders, as the model did.
    What was released of a streamed answer stands if the whole answer allows it; otherwise it is taken back. The answer
    of a model on trial has a verdict and no outcome.
    """

    name: Final[Stage] = "judge"
    topic: Final[Topic] = COMPLETIONS
    record: Final = Completion

    def __init__(self, given: Surroundings) -> None:
        self._outcomes = Outcomes("judge", "response", Outbox(self.name, given.namespace, given.clock))
        self._keeper = given.keeper
        self._salt = given.sampler.secret

    def subject(self, event: Event[Completion]) -> Subject:
        completion, work = event.record, event.record.work
        request = work.request
        content = (
            Failure(completion.code or "", completion.message)
            if completion.text is None
            else Exchange.answering(request, completion.text)
        )
        shadow = work.plan.shadow if work.plan else None
        model = completion.model or request.model
        if shadow and completion.text is None:
            model = shadow  # whoever says that there is no answer
        return Subject(
            app=request.app,
            user=request.user,
            conversation=work.conversation,
            model=model,
            content=content,
            provenance=completion.provenance,
            asked_at=work.position.time,
            run=f"shadow:model:{shadow}" if shadow else LIVE,
        )

    def follow(self, arrival: Arrival[Completion], ruling: Ruling) -> Consequences:
        completion = arrival.record
        assert completion is not None  # only what could be read is ruled on
        asked, source, released = _asked(arrival), _source(completion), completion.released
        action = worst((ruling.judgement.action, released.action if released else Action.ALLOW))
        if action is Action.BLOCK:
            code = Code.STREAM_CUT if ruling.judgement.action is not Action.BLOCK else None
            return Consequences((self._outcomes.refused(asked, ruling, **{**source, "action": action}),), code)
        values, code = self._values(arrival, ruling)
        operators = Operators(ruling.policy.redaction, self._salt)
        redacted = redact(ruling.exchange, ruling.judgement, reserved=values, operators=operators)
        status = "redacted" if redacted.changed else "delivered"
        text = restore(redacted.exchange.response or "", values)
        if action is Action.HOLD:
            held = self._outcomes.held(asked, ruling, text=text, released_as=status, **{**source, "action": action})
            return Consequences(held, code)
        if released is not None and _stands(released, completion, ruling):
            text, status = released.text, "redacted" if released.redacted else "delivered"
            source["stream"] = Streamed(attempt=released.attempt, chunks=released.chunks)
        return Consequences((self._outcomes.delivered(asked, ruling, text=text, status=status, **source),), code)

    def fail(self, arrival: Arrival[Completion], failure: Failure) -> Publications:
        source = _source(arrival.record) if arrival.record else {}
        return (self._outcomes.failed(_asked(arrival), failure, **source),)

    def _values(self, arrival: Arrival[Completion], ruling: Ruling) -> tuple[Mapping[str, str], Code | None]:
        """What screen redacted, by placeholder, to be put back; none, with a code, if the vault does not open."""
        sealed = arrival.record.work.placeholders if arrival.record else None
        if sealed is None or not ruling.policy.replies.restore:
            return {}, None
        if self._keeper is None:
            return {}, Code.VAULT_KEY
        try:
            return self._keeper.open(sealed, arrival.request_key), None
        except WeirError as error:
            return {}, error.code


def _asked(arrival: Arrival[Completion]) -> Asked:
    subject, work = arrival.subject, arrival.record.work if arrival.record else None
    position, digest = (work.position, work.digest) if work else (None, None)
    return Asked(arrival.envelope, subject.app, subject.user, subject.conversation, position, digest)


def _source(completion: Completion) -> dict[str, Any]:
    """Who answered, at what cost; and what was released of it, as if all of that had to be taken back."""
    released = completion.released
    return {
        "model": completion.model,
        "usage": completion.usage,
        "finish_reason": completion.finish_reason,
        "stream": Streamed(attempt=released.attempt, chunks=released.chunks, retracted=True) if released else None,
    }


def _stands(released: Released, completion: Completion, ruling: Ruling) -> bool:
    """Whether all of the answer was released, and all that is to be redacted in it was."""
    text, judged = completion.text or "", ruling.judgement.response
    found = judged.findings if judged else ()
    return released.position >= len(text) and all(
        any(each.start <= (finding.start or 0) and (finding.end or len(text)) <= each.end for each in released.redacted)
        for finding in found
        if finding.action is Action.REDACT
    )
