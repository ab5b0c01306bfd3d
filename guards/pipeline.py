"""Exchanges and their policies to judgements: the one way that texts are judged, on the command line and on Kafka."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guards.decision import judge_side, unjudged_side
from guards.exchange import Exchange, SideText
from guards.guard import Encoder, Guard, Side
from guards.reader import Reader, Readings
from schemas.actions import worst
from schemas.policy import Policy
from schemas.verdict import Judgement, SideJudgement


@dataclass(frozen=True, slots=True)
class Case:
    """An exchange and the policy that it is judged by."""

    exchange: Exchange
    policy: Policy


class Pipeline:
    """Judges exchanges in batches. Thread-safe; a judgement does not depend on what else is in the batch."""

    def __init__(self, guards: Sequence[Guard], encoder: Encoder) -> None:
        self._reader = Reader(guards, encoder)

    @property
    def versions(self) -> Mapping[str, str]:
        """The version of every guard, by name."""
        return {guard.name: guard.version for guard in self._reader.guards}

    def judge(self, cases: Sequence[Case]) -> list[Judgement]:
        """One judgement a case, in order. Never raises for a text or a guard at fault: that is a finding."""
        sides = [list(case.exchange.sides()) for case in cases]
        passages = (
            placed.passage
            for case, texts in zip(cases, sides, strict=True)
            for side in texts
            if not _too_long(side, case.policy)
            for placed in side.placed
        )
        readings = self._reader.read(passages, max((case.policy.max_chars for case in cases), default=0))
        return [self._judge(texts, case, readings) for case, texts in zip(cases, sides, strict=True)]

    def _judge(self, texts: Sequence[SideText], case: Case, readings: Readings) -> Judgement:
        judged: dict[Side, list[SideJudgement]] = {side: [] for side in Side}
        for text in texts:
            judged[text.side].append(self._judge_side(text, case.policy, readings))
        return Judgement(
            action=worst(side.action for sides in judged.values() for side in sides),
            prompt=next(iter(judged[Side.PROMPT]), None),
            response=next(iter(judged[Side.RESPONSE]), None),
            context=tuple(judged[Side.CONTEXT]) if case.exchange.context is not None else None,
        )

    def _judge_side(self, text: SideText, policy: Policy, readings: Readings) -> SideJudgement:
        if _too_long(text, policy):
            return unjudged_side(text, self._reader.guards, policy)
        return judge_side(text, self._reader.guards, readings, policy)


def _too_long(side: SideText, policy: Policy) -> bool:
    return len(side.text) > policy.max_chars
