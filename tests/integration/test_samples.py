"""The review sample from the verdict to the store, and the plans that lower its rates: broker and engine are real."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from schemas.policy import Policy
from schemas.sampling import SamplingPlan
from schemas.topics import SAMPLING
from streams.agents.producer import BatchProducer
from streams.kafka.clients import confluent_config
from streams.metrics import Metrics
from streams.reviews.sample import sample_review
from streams.sampling.live import LivePlans
from streams.sampling.planner import read_loads
from streams.sampling.survey import Survey
from streams.store.client import Store
from tests.fixtures.served_rows import message as of_record
from tests.fixtures.served_rows import outgoing, review
from tests.fixtures.shelving import putting
from tests.fixtures.store_rows import NOON, message, verdict
from tests.fixtures.store_side import publish, send, writing
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.store]


def drawn(event_id="e1", probability=0.5, sampled=True, **changes):
    """A verdict that was drawn with this probability, or not."""
    fields = {"review_stratum": "near", "review_rate": 0.5, "review_probability": probability}
    return verdict(event_id, review_sampled=sampled, **{**fields, **changes})


@pytest.fixture
def stored(database_settings):
    with Store.of(database_settings) as connection:
        yield connection


def test_a_sample_comes_back_with_its_chance(stored, database_settings):
    """What people are asked about has the probability and stratum of its verdict; a hold is none of the sample."""
    put = putting(stored, database_settings)
    one = drawn()
    put(message(one), of_record(sample_review(one, 2), 0), of_record(review("held"), 1))
    (row,) = stored.select("SELECT verdict_id, stratum, probability, readings, app FROM v_samples")
    assert row == {
        "verdict_id": one.verdict_id, "stratum": "near", "probability": 0.5, "readings": 2, "app": "shop",
    }  # fmt: skip
    (row,) = stored.select("SELECT review_stratum, review_rate, review_probability, review_sampled FROM v_verdicts")
    assert tuple(row.values()) == ("near", 0.5, 0.5, True)
    assert [each["kind"] for each in stored.select("SELECT kind FROM v_reviews")] == ["hold"]


@pytest.mark.parametrize("first", [{"sampled": False, "probability": 0.01}, {"sampled": True, "probability": 0.9}])
def test_the_verdict_that_counts_decides(stored, database_settings, first):
    """An event judged twice, under another policy the second time: a draw of the second judgement asks nobody."""
    put = putting(stored, database_settings)
    again = drawn(probability=0.5)
    put(message(drawn(**first), 3), message(again, 8), of_record(sample_review(again, 1), 0))
    assert stored.select("SELECT review_id FROM v_samples") == []


def test_rows_stored_twice_are_one_sample(stored, database_settings):
    """However often an event is judged and stored, one person is asked once."""
    put = putting(stored, database_settings)
    one = drawn()
    for offset in (4, 2, 9):
        put(message(one, offset), of_record(sample_review(one, 1), offset))
    assert len(stored.select("SELECT review_id FROM v_samples")) == 1


def test_the_load_of_a_day(stored, database_settings):
    """Verdicts drawn since midnight, and the rate that the policy's own rates come to; shadows and others are out."""
    put, now = putting(stored, database_settings), NOON.replace(minute=30)
    verdicts = [
        drawn(str(n), sampled=n % 2 == 0, position=replace_time(now - timedelta(minutes=5)), offset=n)
        for n in range(60)
    ]
    verdicts += [
        drawn("old", position=replace_time(now - timedelta(days=1))),
        drawn("s", run="shadow:x@1", sampled=True),
    ]
    put(*(message(each, n) for n, each in enumerate(verdicts)))
    load = read_loads(stored, ["default"], now)["default"]
    assert load.drawn == 30
    assert load.rate == pytest.approx(30 / 600)
    assert read_loads(stored, ["other"], now) == {}


def replace_time(time):
    return verdict().position.model_copy(update={"time": time})


def test_only_plans_in_time_are_in_the_view(stored, database_settings):
    """A plan that came too late, and a second one for a beginning, are in the table but not in the view."""
    put = putting(stored, database_settings)
    plans = [(NOON, 0.5, 60), (NOON, 0.7, 50), (NOON + timedelta(minutes=5), 0.3, -290)]
    put(
        *(
            of_record(SamplingPlan(policy="p", begins_at=begin, factor=share, expected=9, budget=3), n,
                      time=NOON - timedelta(seconds=early))
            for n, (begin, share, early) in enumerate(plans)
        )
    )  # fmt: skip
    assert [row["factor"] for row in stored.select("SELECT factor FROM v_sampling_plans")] == [0.5]


@pytest.mark.kafka
def test_the_survey_plans_and_every_process_knows(settings, store):
    """From verdicts in the store to a plan in the topic, known to a worker that runs and to one that starts later."""
    limited = Policy.model_validate({"id": "default", "version": 1, "sampling": {"daily": 10, "second": 0.0}})
    now = datetime.now(UTC)
    # Today, as rates are counted by days: also in the first minutes of one.
    came = replace_time(max(now - timedelta(minutes=2), now.replace(hour=0, minute=0, second=0, microsecond=0)))
    with LivePlans(settings) as running, writing(settings):
        publish(settings, [drawn(str(n), position=came) for n in range(100)])
        eventually(lambda: store.select("SELECT count() AS n FROM v_verdicts")[0]["n"] == 100)
        producer = BatchProducer(confluent_config(settings))
        producer.start()
        survey = Survey(settings, Metrics())
        (plan,) = survey.plan([limited], running, store, producer)
        eventually(lambda: running.book.last("default") == plan)
        assert plan.factor < 0.05
        assert survey.plan([limited], running, store, producer) == ()
        producer.stop()
        eventually(lambda: store.select("SELECT count() AS n FROM v_sampling_plans")[0]["n"] == 1)
    with LivePlans(settings) as later:
        assert later.factor("default", plan.begins_at) == plan.factor
        assert later.factor("default", plan.begins_at - timedelta(milliseconds=1)) == 1.0


@pytest.mark.kafka
def test_nonsense_among_the_plans_is_passed_over(settings):
    """What cannot be read changes no rate, and what follows it counts."""
    plan = SamplingPlan(policy="p", begins_at=datetime.now(UTC) + timedelta(hours=1), factor=0.25, expected=9, budget=3)
    good = outgoing(plan)
    bad = replace(good, value=b'{"policy": 5}')
    with LivePlans(settings) as plans:
        send(settings, settings.topics.of(SAMPLING), [bad, good])
        eventually(lambda: plans.book.last("p") is not None)
        assert plans.factor("p", plan.begins_at) == 0.25


@pytest.mark.kafka
def test_the_survey_runs_until_it_is_told(settings):
    """It finds nothing to do, and ends at once."""
    stop = threading.Event()
    thread = threading.Thread(target=Survey(settings, Metrics()).run, args=(stop,))
    thread.start()
    stop.set()
    thread.join(120)
    assert not thread.is_alive()
