"""What the next plans are, by what the sample has asked of people today. Pure but for the query."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitors.quota import factor
from schemas.policy import Policy
from schemas.sampling import SamplingPlan
from streams.sampling.plans import NOTICE, PlanBook
from streams.store.client import Store
from streams.store.sql import query

STEP: Final = timedelta(minutes=5)
"""Plans begin at whole multiples of this."""

_DELIVERY: Final = timedelta(seconds=30)  # that a plan may take to get into the log
_NEAR: Final = 0.02  # a factor that moves by less is not worth a plan
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Load:
    """What a policy's sample asks of people: verdicts drawn today, and how many a second its own rates come to."""

    drawn: int = 0
    rate: float = 0.0


def read_loads(store: Store, policies: Iterable[str], now: datetime) -> Mapping[str, Load]:
    """The load of each policy at this moment, as far as the store knows it."""
    rows = store.select(query("review_load"), policies=list(policies), now=now, day=_midnight(now))
    return {row["policy_id"]: Load(row["drawn"], row["rate"]) for row in rows}


def next_plans(
    policies: Iterable[Policy], book: PlanBook, loads: Mapping[str, Load], now: datetime
) -> Iterator[SamplingPlan]:
    """The plans that should be written now: none for a policy whose last one will do.

    A policy that does not limit the load any more gets a last plan, with the factor 1.
    """
    begins_at = next_begin(now)
    for policy in policies:
        plan = _plan(policy, loads.get(policy.id, Load()), begins_at)
        last = book.last(policy.id)
        if last is not None and last.begins_at >= begins_at:
            continue
        before = last.factor if last is not None else 1.0
        if abs(plan.factor - before) > _NEAR * before or (before < 1 and plan.factor == 1):
            yield plan


def next_begin(now: datetime) -> datetime:
    """The next beginning that a plan written now is in time for."""
    earliest = now + NOTICE + _DELIVERY
    since = earliest - _midnight(earliest)
    return _midnight(earliest) + -(-since // STEP) * STEP


def _plan(policy: Policy, load: Load, begins_at: datetime) -> SamplingPlan:
    each = 1 + policy.sampling.second  # readings of one drawn verdict
    expected, budget = load.rate * each, policy.sampling.daily
    left = _midnight(begins_at) + _DAY - begins_at
    spent = load.drawn * each if left != _DAY else 0.0  # a plan that begins a day has all of it to give
    found = 1.0 if budget is None else factor(budget, spent, expected, left.total_seconds())
    return SamplingPlan(
        policy=policy.id,
        begins_at=begins_at,
        factor=found,
        expected=expected * _DAY.total_seconds(),
        budget=budget,
    )


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
