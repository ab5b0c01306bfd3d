"""Policies on a real broker: pushed by operators, seen by running processes, and what is nonsense in between."""

import threading
from datetime import UTC, datetime

import pytest

from schemas.codec import Outgoing
from schemas.errors import Code, ConfigError, UnavailableError
from schemas.policy import PolicyBook
from schemas.policy_release import Candidate
from schemas.topics import INTERACTIONS, POLICIES, VERDICTS
from streams.kafka.topic_admin import create_topics
from streams.kafka.topic_feed import TopicFeed
from streams.metrics import Metrics
from streams.rollout.changes import Signature, go_back_to_files, promote, put_in_force, roll_back, try_out
from streams.rollout.live import LivePolicies
from streams.rollout.message import Said, write_said
from streams.rollout.register import change, read_register
from streams.rollout.turn import Turn, TurnLostError
from streams.settings import Settings
from tests.fixtures.judging import arriving, caused, event, loaded, surroundings
from tests.fixtures.policies import policy, release
from tests.fixtures.store_side import send
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.kafka

FILE = policy(1)


@pytest.fixture
def settings(bootstrap, namespace, new_topic, tmp_path):
    """An installation with a topic ``policies`` and one policy in a file."""
    new_topic(POLICIES.name, **{name.replace(".", "_"): value for name, value in POLICIES.config.items()})
    path = tmp_path / "shop.yaml"
    path.write_text("id: shop\nversion: 1\napps: [shop]\nprompt:\n  toxicity: {block: 0.9}\n")
    return Settings(kafka_bootstrap=bootstrap, namespace=namespace.prefix, policies=path)


@pytest.fixture
def start(settings):
    """A function that starts the live policies of one more process; all are stopped at the end."""
    started = []

    def live(**options):
        policies = LivePolicies(settings, PolicyBook([FILE]), Metrics(), **options)
        policies.start()
        started.append(policies)
        return policies

    yield live
    for policies in started:
        policies.stop()


def signature(by="ann"):
    return Signature(by, datetime.now(UTC))


def put(settings, version, block, by="ann", name="shop"):
    made = policy(version, block, name=name)
    return change(settings, name, lambda versions: put_in_force(versions, made, signature(by)))


def say(settings, *messages):
    send(settings, settings.topics.of(POLICIES), messages)


def served(policies, app="shop"):
    assigned = policies.assign(app, "c")
    return assigned and (assigned.policy.version, assigned.shadow and assigned.shadow.version)


def metric(policies, name, **labels):
    return policies._metrics.registry.get_sample_value(name, labels)


def test_a_push_reaches_a_running_process(settings, start):
    """Shadow, share, all and back: each change is in force in a running process without a restart."""
    running = start()
    assert served(running) == (1, None)
    trial = Candidate(policy=policy(2, 0.8), mode="shadow")
    change(settings, "shop", lambda versions: try_out(versions, trial, signature()))
    eventually(lambda: served(running) == (1, 2))
    eventually(lambda: metric(running, "weir_policy_version", policy="shop", role="shadow") == 2)
    change(settings, "shop", lambda versions: promote(versions, 1.0, signature()))
    eventually(lambda: served(running) == (2, None))
    change(settings, "shop", lambda versions: promote(versions, None, signature()))
    eventually(lambda: metric(running, "weir_policy_version", policy="shop", role="current") == 2)
    assert metric(running, "weir_policy_version", policy="shop", role="share") is None  # all are set at once
    change(settings, "shop", lambda versions: roll_back(versions, signature()))
    eventually(lambda: served(running) == (1, None))


def test_a_fault_of_the_library_does_not_end_the_reading(settings, start, monkeypatch):
    """Whatever polling raises, the next change is read."""
    running = start()
    faults, poll = [SystemError("once"), RuntimeError("twice")], TopicFeed.poll
    monkeypatch.setattr(
        TopicFeed, "poll", lambda feed, seconds: _raise(faults.pop()) if faults else poll(feed, seconds)
    )
    eventually(lambda: not faults)
    trial = Candidate(policy=policy(2, 0.8), mode="shadow")
    change(settings, "shop", lambda versions: try_out(versions, trial, signature()))
    eventually(lambda: served(running) == (1, 2))


def _raise(error):
    raise error


def test_a_started_process_knows_everything(settings, start):
    """Once a process has started it judges by what was pushed before, never by the files first; so after a restart."""
    for number in (2, 3, 4):
        put(settings, number, number / 10)
    put(settings, 1, 0.5, name="bank")
    assert (served(start()), served(start(), "bank")) == ((4, None), (1, None))


def test_everyone_reads_the_same_share(settings, start):
    """Two processes give every conversation the same version."""
    trial = Candidate(policy=policy(2, 0.8), mode="share", share=0.5)
    change(settings, "shop", lambda versions: try_out(versions, trial, signature()))
    one, other = start(), start()
    names = list(map(str, range(100)))
    assigned = [one.assign("shop", name) for name in names]
    assert assigned == [other.assign("shop", name) for name in names]
    assert {each.policy.version for each in assigned} == {1, 2}


def test_what_is_no_policy_changes_nothing(settings, start, capfd):
    """Whatever else gets into the topic is refused, counted and logged by code; the next good message counts."""
    put(settings, 2, 0.8)
    running = start()
    good = write_said(Said("shop", release(policy(9))), settings.topics)
    claim = write_said(Said("bank", release(policy(1, name="bank", apps=("shop",)))), settings.topics)
    bad = [
        Outgoing(b"shop", b'{"canary-5150"'),
        Outgoing(b"shop", good.value.replace(b'"block"', b'"canary-5150"')),
        Outgoing(b"other", good.value),
        Outgoing(b"\xff", None),
        Outgoing(b"", good.value),
        claim,
    ]
    say(settings, *bad)
    eventually(lambda: sum(_refused(running).values()) == len(bad))
    assert _refused(running)["POLICY"] == 1
    assert served(running) == (2, None)
    say(settings, good)
    eventually(lambda: served(running) == (9, None))
    restarted = start()
    assert served(restarted) == (9, None)
    assert sum(_refused(restarted).values()) == len(bad)
    assert [each.code for each in read_register(settings).refusals][-1] == Code.POLICY
    logged = capfd.readouterr().out
    assert logged.count("policy refused") == 2 * len(bad)
    assert "canary-5150" not in logged


def _refused(policies):
    (family,) = policies._metrics.policies_refused.collect()
    return {each.labels["code"]: each.value for each in family.samples if each.name.endswith("_total")}


def test_a_version_that_cannot_be_prepared_is_refused(settings, start):
    """What a version needs is loaded before it is in force; if that fails, the old version stays."""
    prepared = []

    def prepare(policies):
        prepared.extend(each.version for each in policies)
        if 3 in prepared:
            raise OSError

    running = start(prepare=prepare)
    put(settings, 2, 0.8)
    eventually(lambda: served(running) == (2, None))
    put(settings, 3, 0.7)
    eventually(lambda: _refused(running) == {"PROCESSING_FAILED": 1})
    assert (served(running), prepared) == ((2, None), [2, 3])


def test_a_message_without_a_value_gives_the_files_their_say(settings, start):
    """Forgetting every release puts the files' version in force again."""
    running = start()
    put(settings, 2, 0.8)
    eventually(lambda: served(running) == (2, None))
    change(settings, "shop", go_back_to_files)
    eventually(lambda: served(running) == (1, None))
    assert served(start()) == (1, None)


def test_whoever_takes_the_turn_ends_the_one_before(settings):
    """Of two who want to write at once, the broker itself refuses the one who read first: nothing is overwritten."""
    mine = write_said(Said("shop", release(policy(2, 0.8))), settings.topics)
    with Turn(settings) as one, Turn(settings) as other:
        with pytest.raises(TurnLostError):
            one.write(mine)
        other.write(mine)
    assert len(read_register(settings).standing.versions("shop").released) == 1


def test_the_conflict_of_two_operators_is_named(settings):
    """Who comes second learns who was first, and has changed nothing."""

    def slow(versions):
        put(settings, 2, 0.8, by="bea")
        return put_in_force(versions, policy(3, 0.7), signature())

    with pytest.raises(ConfigError, match=r"changed meanwhile by bea at .* UTC") as caught:
        change(settings, "shop", slow)
    assert caught.value.field == "shop"
    assert read_register(settings).standing.versions("shop").current.version == 2


def test_operators_of_different_policies_do_not_disturb_each_other(settings):
    """A change of another policy meanwhile is no conflict: both count."""
    disturbed = []

    def slow(versions):
        if not disturbed:
            disturbed.append(put(settings, 1, 0.5, name="bank"))
        return put_in_force(versions, policy(2, 0.8), signature())

    change(settings, "shop", slow)
    now = read_register(settings).standing
    assert (now.versions("shop").current.version, now.versions("bank").current.version) == (2, 1)


def test_a_crowd_of_operators_loses_nothing(settings):
    """Of operators who all push at once, each is told the truth: the versions that were accepted are all there."""
    accepted = []

    def push(number):
        try:
            put(settings, number, number / 10, by=f"operator {number}")
        except (ConfigError, UnavailableError):
            return
        accepted.append(number)

    threads = [threading.Thread(target=push, args=(number,)) for number in (2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    found = read_register(settings).standing.versions("shop")
    assert accepted
    assert sorted(each.version for each in (found.current, *found.history)) == [1, *sorted(accepted)]


def test_nonsense_is_refused_before_it_is_sent(settings):
    """What processes would refuse is refused here, and the topic stays as it was."""
    thief = policy(1, name="thief", apps=("shop",))
    with pytest.raises(ConfigError, match="two policies serve the app"):
        change(settings, "thief", lambda versions: put_in_force(versions, thief, signature()))
    huge = policy(2, description="x" * POLICIES.max_message_bytes)
    with pytest.raises(ConfigError, match="too large"):
        change(settings, "shop", lambda versions: put_in_force(versions, huge, signature()))
    register = read_register(settings)
    assert (list(register.standing.policies), register.refusals) == (["shop"], [])


def test_without_a_broker_a_process_does_not_start(settings):
    """A process that cannot know the policies in force says so instead of judging by the files."""
    nowhere = settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:9"})
    with pytest.raises(UnavailableError):
        LivePolicies(nowhere, PolicyBook([FILE]), Metrics()).start(seconds=0.5)


def test_without_the_topic_a_process_says_what_to_do(settings):
    """A missing topic is named with the command that creates it."""
    elsewhere = settings.model_copy(update={"namespace": f"{settings.namespace}x"})
    with pytest.raises(ConfigError, match="weir topics create"):
        read_register(elsewhere)
    with pytest.raises(ConfigError, match="weir topics create"):
        LivePolicies(elsewhere, PolicyBook([FILE]), Metrics()).start(seconds=3)


def test_an_outage_leaves_the_policies_in_force(own_broker, tmp_path):
    """While the broker is away the last policies stay, and afterwards changes arrive again."""
    settings = Settings(kafka_bootstrap=own_broker.bootstrap)
    create_topics(settings)
    put(settings, 2, 0.8)
    with LivePolicies(settings, PolicyBook([FILE]), Metrics()) as running:
        own_broker.stop()
        assert served(running) == (2, None)
        own_broker.start()
        put(settings, 3, 0.7)
        eventually(lambda: served(running) == (3, None))


def test_a_stage_judges_by_what_is_in_force(settings, start):
    """A version that is pushed changes the next verdict of a running stage: on trial beside the old one, then alone."""
    running = start()
    stage = loaded("observe", surroundings(policies=running))

    def verdicts(offset):
        message = arriving(INTERACTIONS, {"app": "shop", "prompt": "bad", "response": "x"}, offset=offset)
        found = [event(each).record for each in caused(stage, message).all(VERDICTS)]
        return {each.run: (each.policy.version, each.judgement.action) for each in found}

    assert verdicts(1) == {"live": (1, "block")}
    trial = Candidate(policy=policy(2, 0.95), mode="shadow")  # the word scores 0.9
    change(settings, "shop", lambda versions: try_out(versions, trial, signature()))
    eventually(lambda: served(running) == (1, 2))
    assert verdicts(2) == {"live": (1, "block"), "shadow:shop@2": (2, "allow")}
    change(settings, "shop", lambda versions: promote(versions, None, signature()))
    eventually(lambda: served(running) == (2, None))
    assert verdicts(3) == {"live": (2, "allow")}
