"""Plans that lower the rates of the sample: which one counts for an event. A function of the log alone."""

from bisect import bisect_right
from datetime import datetime, timedelta
from typing import Final, Protocol

from schemas.sampling import SamplingPlan

NOTICE: Final = timedelta(seconds=30)
"""How long before its beginning a plan has to be in the log, so that every process knows it when it begins."""

_MOST: Final = 10_000  # of a policy: those of a month, every five minutes


class Plans(Protocol):
    """The plans in force. May be asked from any thread; answers at once."""

    def factor(self, policy_id: str, arrived: datetime) -> float:
        """By how much the policy's rates are lowered for an event that the broker took in then: in (0, 1]."""
        ...


class NoPlans:
    """Nobody's load is limited."""

    def factor(self, policy_id: str, arrived: datetime) -> float:  # noqa: ARG002 - as the protocol says
        return 1.0


class PlanBook:
    """The plans that count, as the log has them. ``take`` belongs to one thread; ``factor`` may be asked from any."""

    def __init__(self) -> None:
        self._plans: dict[str, tuple[SamplingPlan, ...]] = {}

    def take(self, plan: SamplingPlan, written_at: datetime) -> bool:
        """Whether the plan counts: it was ``written_at`` (the broker's time) in time, and is the first for its begin.

        A plan that begins before one that counts already comes too late as well.
        """
        known = self._plans.get(plan.policy, ())
        if written_at + NOTICE > plan.begins_at or (known and known[-1].begins_at >= plan.begins_at):
            return False
        self._plans[plan.policy] = (*known, plan)[-_MOST:]
        return True

    def factor(self, policy_id: str, arrived: datetime) -> float:
        plan = self.at(policy_id, arrived)
        return plan.factor if plan else 1.0

    def at(self, policy_id: str, arrived: datetime) -> SamplingPlan | None:
        """The plan that counts for an event that arrived then; None before the first."""
        known = self._plans.get(policy_id, ())
        place = bisect_right(known, arrived, key=lambda plan: plan.begins_at)
        return known[place - 1] if place else None

    def last(self, policy_id: str) -> SamplingPlan | None:
        """The plan that begins last."""
        known = self._plans.get(policy_id, ())
        return known[-1] if known else None
