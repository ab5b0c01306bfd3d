"""Plans: which one counts for an event, which ones are written, and that they keep to the budget without a bias."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from monitors.quota import LEAST, factor
from schemas.policy import Policy
from schemas.sampling import SamplingPlan
from streams.sampling.planner import STEP, Load, next_begin, next_plans
from streams.sampling.plans import NOTICE, NoPlans, PlanBook

DAY = datetime(2026, 11, 23, tzinfo=UTC)


def plan(minutes, share=0.5, policy="p"):
    begins_at = DAY + timedelta(minutes=minutes)
    return SamplingPlan(policy=policy, begins_at=begins_at, factor=share, expected=10, budget=5)


def policy(**sampling):
    return Policy.model_validate({"id": "p", "version": 1, "sampling": {"second": 0.0, **sampling}})


def test_the_plan_in_force_when_the_event_came():
    """An event has the factor of the latest plan that began before it arrived; before the first, 1."""
    book = PlanBook()
    assert book.take(plan(10, 0.5), DAY)
    assert book.take(plan(20, 0.2), DAY)
    arrivals = {9: 1.0, 10: 0.5, 19: 0.5, 20: 0.2, 1_000: 0.2}
    assert {m: book.factor("p", DAY + timedelta(minutes=m)) for m in arrivals} == arrivals
    assert book.factor("other", DAY + timedelta(days=1)) == 1.0
    assert NoPlans().factor("p", DAY) == 1.0


def test_late_plans_count_for_nothing():
    """A plan that some process may not have known when it began never counts, nor does a second one for a beginning."""
    book = PlanBook()
    assert not book.take(plan(10), DAY + timedelta(minutes=10) - NOTICE + timedelta(seconds=1))
    assert book.take(plan(10, 0.5), DAY + timedelta(minutes=10) - NOTICE)
    assert not book.take(plan(10, 0.9), DAY)
    assert not book.take(plan(5, 0.9), DAY)
    assert book.factor("p", DAY + timedelta(minutes=11)) == 0.5


def test_beginnings_leave_time():
    """A plan begins at a whole step, late enough to be known everywhere."""
    assert next_begin(DAY) == DAY + STEP
    assert next_begin(DAY + timedelta(minutes=3, seconds=59)) == DAY + STEP
    assert next_begin(DAY + timedelta(minutes=4, seconds=1)) == DAY + 2 * STEP
    assert next_begin(DAY - timedelta(seconds=30)) == DAY + STEP
    assert next_begin(DAY - timedelta(minutes=2)) == DAY


@pytest.mark.parametrize(
    ("spent", "rate", "left", "expected"),
    [(0, 0, 100, 1.0), (0, 1, 100, 1.0), (0, 2, 100, 0.5), (50, 1, 100, 0.5), (100, 1, 100, LEAST), (9, 1, 0, 1.0)],
)
def test_what_is_left_is_spread_over_the_day(spent, rate, left, expected):
    """The factor is what is left over what would be asked, at most 1 and never 0."""
    assert factor(100, spent, rate, left) == pytest.approx(expected)


def test_a_plan_is_written_only_for_a_change():
    """No plan where the rates may stay, none for what hardly moves, and a last one once nothing is limited."""
    book, now = PlanBook(), DAY + timedelta(hours=12)
    assert not list(next_plans([policy(daily=100)], book, {}, now))
    (first,) = next_plans([policy(daily=100)], book, {"p": Load(50, 0.01)}, now)
    assert (first.policy, first.budget, first.begins_at) == ("p", 100, now + STEP)
    assert first.factor == pytest.approx(50 / (0.01 * (43_200 - 300)))
    assert first.expected == pytest.approx(864)
    book.take(first, now)
    later = now + 2 * STEP
    assert not list(next_plans([policy(daily=100)], book, {"p": Load(50, 0.01)}, now))
    assert not list(next_plans([policy(daily=100)], book, {"p": Load(50, 0.0101)}, later))
    (last,) = next_plans([policy()], book, {"p": Load(50, 0.01)}, later)
    assert (last.factor, last.budget) == (1.0, None)
    book.take(last, later)
    assert not list(next_plans([policy()], book, {}, later + STEP))


def test_a_second_reading_costs_as_much_as_a_first():
    """The budget is one of readings."""
    (found,) = next_plans([policy(daily=100, second=1.0)], PlanBook(), {"p": Load(0, 0.01)}, DAY - timedelta(minutes=3))
    assert found.factor == pytest.approx(100 / (2 * 0.01 * 86_400))


def test_a_day_within_its_budget_and_without_a_bias():
    """A day with a tenfold surge asks for no more than its budget, and estimates by the recorded chances are right.

    Minute by minute: draws at the factor in force, then the planner sees what was drawn. 40 days.
    """
    rng, budget, rate = np.random.default_rng(1), 300, 0.05
    limited, drawn_a_day, shares = policy(daily=budget), [], []
    for _ in range(40):
        book, drawn, arrivals, weighted, bad_events = PlanBook(), 0, [], 0.0, 0
        for minute in range(24 * 60):
            now = DAY + timedelta(minutes=minute)
            events = int(rng.poisson(100 if 600 <= minute < 660 else 10))
            bad = rng.random(events) < (0.3 if 600 <= minute < 660 else 0.1)  # what surges is worse than the rest
            chance = rate * book.factor("p", now)
            kept = rng.random(events) < chance
            drawn, weighted, bad_events = (
                drawn + int(kept.sum()),
                weighted + (bad & kept).sum() / chance,
                bad_events + bad.sum(),
            )
            arrivals.append(events * rate)
            pace = max(sum(arrivals[-10:]) / 600, sum(arrivals[-60:]) / 3600)
            for each in next_plans([limited], book, {"p": Load(drawn, pace)}, now + timedelta(minutes=1)):
                book.take(each, now + timedelta(minutes=1))
        drawn_a_day.append(drawn)
        shares.append(weighted / bad_events)
    assert max(drawn_a_day) <= 1.15 * budget  # chance, and ten minutes of a surge that nobody could know of
    assert np.mean(drawn_a_day) > 0.8 * budget
    assert np.mean(shares) == pytest.approx(1.0, abs=4 * np.std(shares) / 40**0.5)
