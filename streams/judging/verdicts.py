"""Verdicts: what a stage found in an event, with all that is needed to explain it."""

from dataclasses import dataclass
from typing import Any

from schemas.actions import Action
from schemas.errors import Code
from schemas.ids import derived_id
from schemas.record import Record
from schemas.verdict import Judgement, Stage, Verdict
from streams.judging.flow import LIVE, Arrival, Failure, Ruling
from streams.judging.surroundings import Surroundings
from streams.sampling.selection import Selector


@dataclass(frozen=True, slots=True)
class Ruled:
    """A verdict, and how many people are to read it if it is sampled."""

    verdict: Verdict
    readings: int


class Verdicts:
    """Writes the verdicts of one stage."""

    def __init__(self, stage: Stage, given: Surroundings) -> None:
        self._stage = stage
        self._given = given
        self._selector = Selector(given.sampler, given.plans)

    def failed(self, arrival: Arrival[Record], failure: Failure) -> Verdict:
        """The verdict on an event that could not be judged: nothing of it may be shown."""
        judgement, run = Judgement(action=Action.BLOCK), arrival.subject.run
        facts = self._facts(arrival, run)
        return Verdict(**facts, judgement=judgement, code=failure.code, field=failure.field, run=run)

    def ruled(self, arrival: Arrival[Record], ruling: Ruling, code: Code | None) -> Ruled:
        """The verdict by the policy in force. ``code`` is what went wrong afterwards, if something did."""
        facts = self._facts(arrival, LIVE)
        drawn = self._selector.select(
            facts["verdict_id"], self._stage, ruling.policy, ruling.judgement, arrival.position.time
        )
        verdict = Verdict(
            **facts,
            **_judged(ruling),
            code=code or incomplete(ruling.judgement),
            review_stratum=drawn.stratum,
            review_rate=drawn.rate,
            review_probability=drawn.probability,
            review_sampled=drawn.sampled,
        )
        return Ruled(verdict, drawn.readings)

    def shadowed(self, arrival: Arrival[Record], ruling: Ruling) -> Verdict:
        """The verdict by a policy on trial, or on the answer of a model on trial.

        It has no consequences, so it is not sampled for review either.
        """
        run = arrival.subject.run
        if run == LIVE:
            run = f"shadow:{ruling.policy.id}@{ruling.policy.version}"
        facts = self._facts(arrival, run)
        # The same text as in the verdict that counts: it is kept no longer than that one, nor than the trial wants.
        facts["keep_days"] = _fewer(facts["keep_days"], ruling.policy.retention.days)
        return Verdict(**facts, **_judged(ruling), code=incomplete(ruling.judgement), run=run)

    def _facts(self, arrival: Arrival[Record], run: str) -> dict[str, Any]:
        """What a verdict says of its event, whatever the judgement."""
        envelope, subject, assigned = arrival.envelope, arrival.subject, arrival.assignment
        return {
            "verdict_id": derived_id(subject.app, envelope.source, envelope.id, self._stage, run),
            "stage": self._stage,
            "app": subject.app,
            "user": subject.user,
            "model": subject.model,
            "provenance": subject.provenance,
            "conversation_id": subject.conversation,
            "source": envelope.source,
            "source_event_id": envelope.id,
            "event_time": envelope.time,
            "position": arrival.position,
            "judged_at": self._given.clock(),
            "keep_days": assigned.policy.retention.days if assigned else None,
            "traceparent": envelope.traceparent,
        }


def incomplete(judgement: Judgement) -> Code | None:
    """The code of a judgement that does not cover all of its event."""
    errors = {finding.label for finding in judgement.findings() if finding.kind == "error"}
    return next((code for code in (Code.TOO_LONG, Code.GUARD_FAILED) if code in errors), None)


def _fewer(one: int | None, other: int | None) -> int | None:
    """The stricter of two limits; None is none."""
    return min((days for days in (one, other) if days is not None), default=None)


def _judged(ruling: Ruling) -> dict[str, Any]:
    return {
        "judgement": ruling.judgement,
        "policy": ruling.policy.reference,
        "versions": dict(ruling.versions),
        "guard_seconds": ruling.seconds,
    }
