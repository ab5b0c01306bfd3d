"""Which stratum a verdict is in, its chance of being read, and the draw. Pure, given the plans."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from monitors.sampling import Sampler
from schemas.policy import Policy, Steps
from schemas.sampling import REST, ReviewStratum
from schemas.verdict import Judgement, SideJudgement, Stage
from streams.sampling.plans import Plans

_SECOND: Final = "second reading"


@dataclass(frozen=True, slots=True)
class Selection:
    """What was drawn for a verdict. ``probability`` is the ``rate`` of its stratum, lowered by the plan in force."""

    stratum: str
    rate: float
    probability: float
    sampled: bool
    readings: int


class Selector:
    """Draws verdicts for review: the same draw for the same verdict, policy and plans, whoever draws and how often.

    Probabilities are fixed before the draw. They depend on the judgement and on when the event arrived, never on the
    hash, so that an estimate weighted by them is unbiased.
    """

    def __init__(self, sampler: Sampler, plans: Plans) -> None:
        self._sampler = sampler
        self._second = Sampler(sampler.secret, _SECOND)
        self._plans = plans

    def select(
        self, verdict_id: UUID, stage: Stage, policy: Policy, judgement: Judgement, arrived: datetime
    ) -> Selection:
        """The draw for a verdict on an event that the broker took in at ``arrived``."""
        found = stratum_of(stage, policy, judgement)
        rate = found.rate if found else policy.sampling.review
        probability = rate * self._plans.factor(policy.id, arrived)
        unit = str(verdict_id)
        return Selection(
            stratum=found.name if found else REST,
            rate=rate,
            probability=probability,
            sampled=self._sampler.keeps(unit, probability),
            readings=2 if self._second.keeps(unit, policy.sampling.second) else 1,
        )


def stratum_of(stage: Stage, policy: Policy, judgement: Judgement) -> ReviewStratum | None:
    """The first stratum of the policy that takes the judgement in, if any does."""
    return next((each for each in policy.sampling.strata if _takes_in(each, stage, policy, judgement)), None)


def _takes_in(stratum: ReviewStratum, stage: Stage, policy: Policy, judgement: Judgement) -> bool:
    return (
        (stratum.stages is None or stage in stratum.stages)
        and (stratum.actions is None or judgement.action in stratum.actions)
        and (not stratum.scores or any(_in_a_band(stratum, side) for _, side in _sides(judgement)))
        and (stratum.near is None or distance(policy, judgement) <= stratum.near)
    )


def _in_a_band(stratum: ReviewStratum, side: SideJudgement) -> bool:
    scores = ((band, side.scores.get(label)) for label, band in stratum.scores.items())
    return any(score is not None and band.low <= score <= band.high for band, score in scores)


def distance(policy: Policy, judgement: Judgement) -> float:
    """How far the nearest score is from a threshold of the policy that applies to it; 1 where there is none.

    A guard's own score counts, those of labels that the policy has rules for, and spans that passed a threshold.
    """
    return min((gap for name, side in _sides(judgement) for gap in _gaps(policy, name, side)), default=1.0)


def _gaps(policy: Policy, name: str, side: SideJudgement) -> Iterator[float]:
    for guard, rule in policy.rules(name).items():
        for label in (guard, *rule.labels):
            score, steps = side.scores.get(label), rule.steps_for(label)
            if score is not None and steps is not None:
                yield from _to_thresholds(steps, score)
    for finding in side.findings:
        if finding.score is not None and finding.threshold is not None:
            yield abs(finding.score - finding.threshold)


def _to_thresholds(steps: Steps, score: float) -> Iterator[float]:
    return (abs(score - step.threshold) for step in steps.ladder)


def _sides(judgement: Judgement) -> Iterator[tuple[str, SideJudgement]]:
    """Every side with the name under which the policy has rules for it."""
    named = (("prompt", judgement.prompt), ("response", judgement.response))
    yield from ((name, side) for name, side in named if side is not None)
    yield from (("context", passage) for passage in judgement.context or ())
