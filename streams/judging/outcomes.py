"""The outcomes and reviews of requests: what a stage would answer, and what it asks people."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from schemas.actions import Action
from schemas.envelope import Envelope
from schemas.errors import Code
from schemas.ids import derived_id
from schemas.reply import Hold, Outcome
from schemas.review import Review
from schemas.topics import OUTCOMES, REVIEWS
from schemas.verdict import Judgement, Position
from streams.judging.flow import Failure, Ruling
from streams.judging.outbox import Outbox
from streams.judging.verdicts import incomplete
from streams.stage import Publication, Publications


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that an outcome answers. A position and a digest are absent where its body is not at hand."""

    envelope: Envelope
    app: str
    user: str | None
    conversation: str
    position: Position | None
    digest: str | None


class Outcomes:
    """Writes the outcomes of one stage, which answers for one side of the exchange."""

    def __init__(self, stage: Literal["screen", "judge"], side: Literal["prompt", "response"], outbox: Outbox) -> None:
        self._stage = stage
        self._side = side
        self._outbox = outbox

    def failed(self, asked: Asked, failure: Failure, **details: Any) -> Publication:  # noqa: ANN401 - fields of Outcome
        """The outcome of a request that cannot be answered."""
        facts = {"status": "error", "action": Action.BLOCK, "code": failure.code, "message": failure.message}
        return self._outcome(asked, **facts, **details)

    def refused(self, asked: Asked, ruling: Ruling, **details: Any) -> Publication:  # noqa: ANN401 - fields of Outcome
        """The outcome of a request whose prompt or response is blocked, in the words of the policy."""
        code = blocking_code(ruling.judgement)
        facts = {"status": "withheld", "code": code, "message": ruling.policy.replies.refusal}
        return self._outcome(asked, **facts, **{**_by(ruling), **details})

    def held(self, asked: Asked, ruling: Ruling, **details: Any) -> Publications:  # noqa: ANN401 - fields of Outcome
        """The outcome of a request that waits for a person, and what that person is asked."""
        terms = ruling.policy.hold
        hold = Hold(
            review_id=derived_id(asked.app, asked.envelope.source, asked.envelope.id, self._stage, "hold"),
            side=self._side,
            seconds=terms.seconds,
            on_expiry=terms.on_expiry,
        )
        return (
            self._outcome(asked, status="held", hold=hold, **{**_by(ruling), **details}),
            self._review(asked, ruling, hold),
        )

    def delivered(self, asked: Asked, ruling: Ruling, **details: Any) -> Publication:  # noqa: ANN401 - fields of Outcome
        """The outcome of a request whose response may be shown; ``details`` have its text and status."""
        return self._outcome(asked, **_by(ruling), **details)

    def _outcome(self, asked: Asked, **facts: Any) -> Publication:  # noqa: ANN401 - fields of Outcome
        outcome = Outcome(
            app=asked.app,
            user=asked.user,
            conversation=asked.conversation,
            position=asked.position,
            digest=asked.digest,
            stage=self._stage,
            **facts,
        )
        return self._outbox.forward(OUTCOMES, outcome, asked.envelope, asked.conversation)

    def _review(self, asked: Asked, ruling: Ruling, hold: Hold) -> Publication:
        now = self._outbox.clock()
        review = Review(
            review_id=hold.review_id,
            verdict_id=derived_id(asked.app, asked.envelope.source, asked.envelope.id, self._stage),
            app=asked.app,
            user=asked.user,
            conversation=asked.conversation,
            source=asked.envelope.source,
            source_event_id=asked.envelope.id,
            stage=self._stage,
            side=hold.side,
            judgement=ruling.judgement,
            policy=ruling.policy.reference,
            keep_days=ruling.policy.retention.days,
            opened_at=now,
            expires_at=now + timedelta(seconds=hold.seconds),
            on_expiry=hold.on_expiry,
        )
        return self._outbox.report(REVIEWS, review, asked.envelope, hold.review_id, key=str(hold.review_id))


def blocking_code(judgement: Judgement) -> Code:
    """Why a judgement blocks: ``BLOCKED``, or what kept the guards from reading the text if nothing else does."""
    found = any(finding.action is Action.BLOCK and finding.kind != "error" for finding in judgement.findings())
    return Code.BLOCKED if found else incomplete(judgement) or Code.BLOCKED


def _by(ruling: Ruling) -> dict[str, Any]:
    return {"action": ruling.judgement.action, "policy": ruling.policy.reference}
