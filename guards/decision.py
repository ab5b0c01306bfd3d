"""Readings and a policy to a judgement of one side: pure rules, no guard is called here."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from guards.exchange import Placed, SideText
from guards.guard import Guard, Hit, Score
from guards.language import Gap, Spoken, gap
from guards.masking import mask
from guards.reader import Failed, Outcome, Readings
from guards.spans import shift
from guards.topics import Place
from schemas.actions import Action, worst
from schemas.errors import Code
from schemas.policy import OPT_IN, SPAN_GUARDS, Policy, Rule
from schemas.verdict import Finding, SideJudgement

WITHHELD: Final = "<WITHHELD>"
"""Stands for a text that could not be searched for personal data and secrets: it must not be stored as it is."""

_MASKED_FROM: Final = 0.5  # where the policy leaves a span guard off, what it is sure of is masked all the same
_ROUNDING: Final = 6  # decimals of a score: more would only be noise of the arithmetic


@dataclass(frozen=True, slots=True)
class _Read:
    """One guard's outcomes on the passages of a side."""

    guard: Guard
    rule: Rule | None
    outcomes: Sequence[tuple[Placed, Outcome]]
    gap: Gap | None = None

    @property
    def failure(self) -> Code | None:
        return next((outcome.code for _, outcome in self.outcomes if isinstance(outcome, Failed)), None)


def judge_side(
    side: SideText,
    guards: Sequence[Guard],
    readings: Readings,
    policy: Policy,
    spoken: Spoken | None = None,
    place: Place | None = None,
) -> SideJudgement:
    """The judgement of a text that every applicable guard has read; ``spoken`` and ``place`` if they are known."""
    rules = policy.rules(side.side)
    reads = [
        _Read(guard, rules.get(guard.name), outcomes, gap(guard, spoken, policy))  # type: ignore[call-overload]  # a configured guard has any name
        for guard in guards
        if (outcomes := [(p, readings[guard, p.passage]) for p in side.placed if guard.applies(p.passage)])
    ]
    findings = [finding for read in reads for finding in _findings(read, side)]
    return SideJudgement(
        action=worst(finding.action for finding in findings),
        scores={label: value for read in reads for label, value in _scores(read)},
        findings=tuple(sorted(findings, key=_order)),
        text=_masked(side, reads),
        language=spoken.code if spoken else None,
        topic=place.topic if place else None,
        novelty=place.distance if place else None,
    )


def unjudged_side(side: SideText, guards: Sequence[Guard], policy: Policy) -> SideJudgement:
    """The judgement of a text that is longer than the policy allows: no guard has read it, none is passed over."""
    applicable = [guard for guard in guards if any(guard.applies(placed.passage) for placed in side.placed)]
    return SideJudgement(
        action=policy.too_long,
        scores={label: None for guard in applicable for label in guard.labels},
        findings=tuple(_error(guard.name, Code.TOO_LONG, policy.too_long) for guard in applicable),
        text=f"<{Code.TOO_LONG}>",
    )


def _scores(read: _Read) -> Iterator[tuple[str, float | None]]:
    for label in read.guard.labels:
        found = None if read.failure else _worst_score(read, label)
        yield label, None if found is None else found[1].value


def _worst_score(read: _Read, label: str) -> tuple[Placed, Score] | None:
    scored = [
        (placed, replace(score, value=round(score.value, _ROUNDING)))
        for placed, outcome in read.outcomes
        if not isinstance(outcome, Failed) and (score := outcome.scores.get(label)) is not None
    ]
    sign = -1 if read.guard.lower_is_worse else 1
    return max(scored, key=lambda pair: sign * pair[1].value, default=None)


def _findings(read: _Read, side: SideText) -> Iterator[Finding]:
    if read.failure:
        yield _error(read.guard.name, read.failure, read.rule.error_action if read.rule else Action.ALLOW)
    if read.rule is None:
        return
    if read.gap and not read.failure:
        yield read.gap.finding
    for label in read.guard.labels:
        found = _worst_score(read, label)
        if found is not None and not read.failure:
            yield from _score_finding(read, label, found, side)
    for placed, hit in _hits(read):
        steps = read.rule.steps_for(hit.label)
        step = steps.step_for(hit.score, lower_is_worse=read.guard.lower_is_worse) if steps else None
        if step:
            yield Finding(
                guard=read.guard.name,
                label=hit.label,
                kind="match",
                score=hit.score,
                threshold=step.threshold,
                action=read.rule.action_for(step, hit.origin),
                start=placed.offset + hit.start,
                end=placed.offset + hit.end,
                origin=hit.origin,
            )


def _score_finding(read: _Read, label: str, found: tuple[Placed, Score], side: SideText) -> Iterator[Finding]:
    placed, score = found
    steps = read.rule.steps_for(label) if read.rule else None
    step = steps.step_for(score.value, lower_is_worse=read.guard.lower_is_worse) if steps else None
    if step is None:
        return
    start = placed.offset + (score.start or 0)
    end = placed.offset + (len(placed.passage.text) if score.end is None else score.end)
    whole = len(side.placed) == 1 and (
        score.start is None or not (side.text[:start].strip() or side.text[end:].strip())
    )
    yield Finding(
        guard=read.guard.name,
        label=label,
        kind="score",
        score=score.value,
        threshold=step.threshold,
        action=read.gap.bounded(step.action) if read.gap else step.action,
        start=None if whole else start,
        end=None if whole else end,
    )


def _hits(read: _Read) -> Iterator[tuple[Placed, Hit]]:
    for placed, outcome in read.outcomes:
        if not isinstance(outcome, Failed):
            for hit in outcome.hits:
                yield placed, replace(hit, score=round(hit.score, _ROUNDING))


def _masked(side: SideText, reads: Iterable[_Read]) -> str:
    spans: list[Hit] = []
    for read in reads:
        if read.guard.name not in SPAN_GUARDS:
            continue
        if read.failure:
            return WITHHELD
        for placed, hit in _hits(read):
            if is_masked(hit, read.rule):
                spans += shift([hit], placed.offset)
    return mask(side.text, spans)


def is_masked(hit: Hit, rule: Rule | None = None) -> bool:
    """Whether a text may not be stored with the hit in it: what the policy acts on, or is sure where it has no rule."""
    if rule is None:
        return hit.score >= _MASKED_FROM and hit.label not in OPT_IN
    steps = rule.steps_for(hit.label)
    return steps is not None and steps.step_for(hit.score, lower_is_worse=False) is not None


def _error(guard: str, code: Code, action: Action) -> Finding:
    return Finding(
        guard=guard, label=code, kind="error", score=None, threshold=None, action=action, start=None, end=None
    )


def _order(finding: Finding) -> tuple[int, int, str, str]:
    return (
        -1 if finding.start is None else finding.start,
        -1 if finding.end is None else finding.end,
        finding.guard,
        finding.label,
    )
