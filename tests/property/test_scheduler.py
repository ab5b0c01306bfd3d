"""Who goes to the model next: nobody starves, shares and limits hold."""

import random
from collections import Counter, defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.generation.engine import Capacity
from streams.infer.scheduler import Job, Scheduler, Share, Terms
from tests.fixtures.flood import p99_seconds

jobs = st.builds(
    Job,
    ticket=st.just(0),
    lane=st.sampled_from(["interactive", "bulk"]),
    app=st.sampled_from("abc"),
    conversation=st.sampled_from("xyz"),
    tokens=st.integers(1, 1500),
    at=st.floats(0, 50),
    until=st.floats(60, 200),
)
terms = st.builds(
    Terms,
    bulk_share=st.floats(0, 0.9),
    weights=st.dictionaries(st.sampled_from("abc"), st.floats(0.1, 10)),
    app_requests=st.integers(0, 3),
    app_tokens=st.sampled_from([0, 1500, 3000]),
)
HUGE = 10**9


def job(ticket, app="a", tokens=100, lane="interactive", at=0.0):
    return Job(ticket, lane, app, f"c{ticket}", tokens, at, HUGE)


def run(scheduler, capacity, rng, arrivals=(), steps=100_000):
    """Take whatever may be taken, end one of those in the model, until nothing is left; in the order of the taking."""
    taken, running = [], []
    arrivals = list(arrivals)
    for _ in range(steps):
        while arrivals and rng.random() < 0.5:
            scheduler.add(arrivals.pop(0))
        while (found := scheduler.take(capacity)) is not None:
            taken.append(found)
            running.append(found)
            check_room(running, capacity)
        if not running and not arrivals:
            return taken
        if running:
            ended = running.pop(rng.randrange(len(running)))
            scheduler.end(ended.ticket, rng.randint(1, ended.tokens))
    raise AssertionError("it does not end")


def check_room(running, capacity):
    assert len(running) <= capacity.slots
    assert len(running) == 1 or sum(min(each.tokens, capacity.tokens) for each in running) <= capacity.tokens
    talks = Counter(each.talk for each in running)
    assert max(talks.values(), default=1) == 1


@settings(max_examples=200, deadline=None)
@given(st.lists(jobs, max_size=40), terms, st.integers(1, 12), st.integers(1, 4000), st.randoms(use_true_random=False))
def test_everything_goes_to_the_model_once_and_conversations_keep_their_order(made, given_terms, slots, tokens, rng):
    """Whatever the limits, the room and the order of endings, nothing is lost, doubled or overtaken in its talk."""
    arrivals = [Job(n, j.lane, j.app, j.conversation, j.tokens, j.at, j.until) for n, j in enumerate(made)]
    if given_terms.app_tokens:
        arrivals = [each for each in arrivals if each.tokens <= given_terms.app_tokens]
    scheduler = Scheduler(given_terms)
    taken = run(scheduler, Capacity(slots, tokens), rng, arrivals)
    assert sorted(each.ticket for each in taken) == sorted(each.ticket for each in arrivals)
    order = defaultdict(list)
    for each in taken:
        order[each.talk].append(each.ticket)
    assert all(tickets == sorted(tickets) for tickets in order.values())
    assert (scheduler.running, scheduler.waiting("bulk"), scheduler.waiting("interactive")) == (0, 0, 0)


@given(st.lists(jobs, max_size=20), st.data())
def test_what_is_removed_or_expires_is_not_taken(made, data):
    """A job leaves once, by one way, and the next of its conversation moves up."""
    scheduler = Scheduler(Terms())
    arrivals = [Job(n, j.lane, j.app, j.conversation, j.tokens, j.at, j.until) for n, j in enumerate(made)]
    for each in arrivals:
        scheduler.add(each)
    gone = {n for n in range(len(arrivals)) if data.draw(st.booleans())}
    assert {scheduler.remove(n).ticket for n in gone} == gone
    now = data.draw(st.floats(0, 250))
    expired = {each.ticket for each in scheduler.expire(now)}
    assert expired == {each.ticket for each in arrivals if each.until <= now} - gone
    taken = run(scheduler, Capacity(2, 5000), random.Random(1))
    assert {each.ticket for each in taken} == {each.ticket for each in arrivals} - gone - expired


@pytest.mark.parametrize(
    ("capacity", "terms", "reason"),
    [
        (Capacity(1, 1000), Terms(), "slots"),
        (Capacity(4, 150), Terms(), "memory"),
        (Capacity(4, 1000), Terms(app_requests=1), "limits"),
        (Capacity(4, 1000), Terms(app_tokens=150), "limits"),
        (Capacity(4, 1000), Terms(), None),
    ],
)
def test_what_is_short_for_the_next_request_is_known(capacity, terms, reason):
    """Slots, memory or its app's limits; nothing where none waits, or only for an earlier one of its conversation."""
    scheduler = Scheduler(terms)
    scheduler.add(job(0))
    assert scheduler.take(capacity).ticket == 0
    scheduler.add(replace(job(2), conversation="c0"))
    assert scheduler.refusal(capacity) is None
    scheduler.add(job(1))
    taken = scheduler.take(capacity)
    found = scheduler.refusal(capacity)
    assert (found.reason if found else None, taken is None) == (reason, reason is not None)
    assert found is None or found.ticket == 1
    assert scheduler.held == (100 if taken is None else 200)


def shares(scheduler, steps):
    """Tokens by app and lane while everybody has work waiting; each request ends after a time like its tokens."""
    capacity = Capacity(8, 100_000)
    ticket, now, ends = 0, 0.0, []
    used = Counter()
    backlog = Counter()
    while ticket < steps:
        for app, lane, tokens in [("a", "interactive", 100), ("b", "interactive", 400), ("a", "bulk", 200)]:
            while backlog[app, lane] < 40:
                scheduler.add(job(ticket, app, tokens, lane, at=now))
                backlog[app, lane] += 1
                ticket += 1
        while (found := scheduler.take(capacity)) is not None:
            used[found.app, found.lane] += found.tokens
            backlog[found.app, found.lane] -= 1
            ends.append((now + found.tokens, found))
        ends.sort(key=lambda pair: pair[0])
        now, ended = ends.pop(0)
        scheduler.end(ended.ticket, ended.tokens)
    return used


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_bulk_work_has_its_share(share):
    """While both lanes wait, bulk work gets the share of the tokens that it was promised, and no more."""
    used = shares(Scheduler(Terms(bulk_share=share)), 6000)
    bulk = sum(tokens for (_, lane), tokens in used.items() if lane == "bulk")
    assert bulk / sum(used.values()) == pytest.approx(share, rel=0.1)


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_apps_share_by_weight(weight):
    """While two apps wait, tokens are divided by their weights, whatever the length of their requests."""
    used = shares(Scheduler(Terms(weights={"b": weight})), 6000)
    assert used["b", "interactive"] / used["a", "interactive"] == pytest.approx(weight, rel=0.1)


def test_limits_of_an_app_hold():
    """An app has no more requests and tokens in the model than it may."""
    scheduler = Scheduler(Terms(app_requests=3, app_tokens=250))
    for ticket in range(10):
        scheduler.add(job(ticket, tokens=100))
    scheduler.add(job(10, app="b", tokens=100))
    taken = []
    while (found := scheduler.take(Capacity(16, 10_000))) is not None:
        taken.append(found.app)
    assert Counter(taken) == {"a": 2, "b": 1}


def test_a_policys_own_limits_and_weight_count_before_those_of_all():
    """What an app's policy says holds for that app, and what it does not say is as for all."""
    scheduler = Scheduler(Terms(app_requests=1, app_tokens=250, weights={"a": 9}))
    for ticket in range(10):
        scheduler.add(replace(job(ticket), own=Share(requests=2)))
        scheduler.add(replace(job(20 + ticket, app="b"), own=Share(requests=5, tokens=400, weight=2)))
        scheduler.add(job(40 + ticket, app="c"))
    taken = []
    while (found := scheduler.take(Capacity(32, 10_000))) is not None:
        taken.append(found.app)
    assert Counter(taken) == {"a": 2, "b": 4, "c": 1}


def test_a_short_request_overtakes_a_long_one_that_came_shortly_before():
    """Within an app a short request goes first, but not past one that has waited for long."""
    scheduler = Scheduler(Terms())
    scheduler.add(job(1, tokens=1000, at=0.0))
    scheduler.add(job(2, tokens=10, at=1.0))
    scheduler.add(job(3, tokens=10, at=30.0))
    order = []
    while (found := scheduler.take(Capacity(9, 10_000))) is not None:
        order.append(found.ticket)
    assert order == [2, 1, 3]


def test_a_large_request_is_not_passed_for_ever():
    """Small requests of others may use the room that a large one does not fit into, but it has its turn."""
    scheduler, capacity, rng = Scheduler(Terms()), Capacity(64, 1000), random.Random(2)
    for ticket in range(10):
        scheduler.add(job(ticket, app=f"s{ticket}", tokens=100))
    running = []
    while (found := scheduler.take(capacity)) is not None:
        running.append(found)
    scheduler.add(job(1000, app="large", tokens=1000))
    for ticket in range(2000, 2400):
        scheduler.add(job(ticket, app=f"s{ticket % 7}", tokens=100))
    passed = 0
    while all(each.ticket != 1000 for each in running):
        ended = running.pop(rng.randrange(len(running)))
        scheduler.end(ended.ticket, ended.tokens)
        while (found := scheduler.take(capacity)) is not None:
            running.append(found)
            passed += 1
    assert passed < 30


def test_a_flood_by_one_app_does_not_slow_another_down():
    """In a simulation, the p99 of an app's requests is at most a fifth above that of the app by itself."""
    alone, flooded = p99_seconds("nobody"), p99_seconds("flood")
    assert flooded <= 1.2 * alone
