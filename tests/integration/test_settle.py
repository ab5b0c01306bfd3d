"""Settle on a real broker: one final reply to every request, whatever dies."""

import random
import signal
from contextlib import ExitStack
from uuid import uuid4

import pytest

from schemas.codec import dump_json
from schemas.dead_letter import read_reason
from schemas.errors import Code
from schemas.ids import derived_id
from schemas.reply import Settlement
from schemas.review import Cancel, Decision
from schemas.topics import CANCELS, DECISIONS, OUTCOMES, REPLIES, SETTLED, VERDICTS, WORK_INTERACTIVE, dead_letters
from schemas.verdict import Verdict
from schemas.work import Work
from streams.kafka.admin import KafkaAdmin
from streams.kafka.consumer_groups import settle_group
from streams.kafka.place import Place
from streams.kafka.transactions import DeposedError, Transactions
from streams.settle.state import Settler
from streams.settle.step import INPUTS
from tests.fixtures.settle_scene import SOURCE, body, envelope, held, outcome_of, review_id
from tests.fixtures.settle_side import installation
from tests.fixtures.waiting import eventually

__all__ = ["installation"]
pytestmark = pytest.mark.kafka


def decide(installation, event_id, side, action, text=None):
    decision = Decision(review_id=review_id(event_id, side), action=action, text=text, decided_by="ann")
    return installation.write(DECISIONS, decision, envelope(DECISIONS, "d", "people"))


def at_least(count):
    return lambda messages: len(messages) >= count


def test_every_request_ends_once(installation):
    """Outcomes, deadlines, cancellations, holds and contradictions, each as the rules say, in one run."""
    with installation.settling():
        answered = installation.request("answered")
        for outcome in (outcome_of(answered), outcome_of(answered, text="another")):
            installation.outcome(answered, "answered", outcome)
        installation.request("late", body(deadline=100))
        installation.write(CANCELS, Cancel(request_id="unwanted"), envelope(CANCELS, "x", SOURCE))
        installation.request("unwanted")
        for side in ("prompt", "response"):
            message = installation.request(side)
            installation.outcome(message, side, held(message, side, side))
        installation.replies(5)  # only what is held can be decided about
        decide(installation, "prompt", "prompt", "edit", "harmless")
        decide(installation, "response", "response", "release")
        decide(installation, "response", "response", "refuse")
        installation.request("answered", body("other"))
        (work,) = installation.read(WORK_INTERACTIVE, at_least(1))
        installation.outcome(message, "prompt", position=None, digest=None)
        finals = installation.finals(5)
    assert {name: [(reply.status, reply.code) for _, reply in replies] for name, replies in finals.items()} == {
        "answered": [("delivered", None)],
        "late": [("error", Code.DEADLINE_EXCEEDED)],
        "unwanted": [("error", Code.CANCELLED)],
        "prompt": [("delivered", None)],
        "response": [("delivered", None)],
    }
    assert finals["response"][0][1].text == "risky"
    assert Work.model_validate_json(work.value).request.messages[-1].content == "harmless"
    (letter,) = installation.read(dead_letters(DECISIONS), at_least(1))
    assert read_reason(letter.headers).code == Code.NOT_HELD
    (verdict,) = installation.read(VERDICTS, at_least(1))
    assert Verdict.model_validate_json(verdict.value).code == Code.ID_CONFLICT
    states = installation.settlements(5)
    assert {name: str(state.reply_id) for name, state in states.items()} == {
        name: own_id for name, ((own_id, _),) in finals.items()
    }


def test_what_was_open_or_held_goes_on_after_a_restart(installation):
    """Deadlines, holds, what is settled and how far was read: all of it is there again."""
    with installation.settling():
        settled, waiting = installation.request("settled"), installation.request("waiting")
        installation.request("expiring", body(deadline=2000))
        message = installation.request("held")
        installation.outcome(settled, "settled")
        installation.outcome(message, "held", held(message, "held", "response"))
        installation.replies(2)
    with installation.settling():
        installation.outcome(settled, "settled", text="again")
        installation.outcome(waiting, "waiting")
        decide(installation, "held", "response", "edit", "better")
        finals = installation.finals(4)
    assert all(len(replies) == 1 for replies in finals.values())
    assert finals["settled"][0][1].text == finals["waiting"][0][1].text == "an answer"
    assert finals["held"][0][1].text == "better"
    assert finals["expiring"][0][1].code == Code.DEADLINE_EXCEEDED


def test_a_state_under_another_key_is_nobodys(installation):
    """Its request would be answered anew after every restart."""
    state = Settlement(request_id="ghost", request_source=SOURCE, app="default", conversation="c", state="open")
    installation.send(SETTLED, str(uuid4()).encode(), dump_json(state.to_json()), [])
    with installation.settling():
        installation.outcome(installation.request("r1"), "r1")
        assert set(installation.finals(1)) == {"r1"}


def test_every_input_has_an_offset_from_the_first_turn_on(installation):
    """A partition that was never read is told from one whose offset the broker has forgotten."""
    with installation.settling(), KafkaAdmin(installation.settings) as admin:
        wanted = {Place(installation.names.of(topic), n) for topic in INPUTS for n in range(topic.partitions)}
        eventually(lambda: admin.committed(settle_group(installation.settings)).keys() >= wanted)


def test_unreadable_inputs_stop_nothing(installation):
    """They become dead letters, byte for byte; what comes after them is settled."""
    with installation.settling():
        for topic in (OUTCOMES, CANCELS, DECISIONS):
            installation.send(topic, b"k", b"\xff\x00", [("ce_id", b"r1")])
            installation.send(topic, b"k", None, [])
        message = installation.request("r1")
        installation.outcome(message, "r1")
        assert set(installation.finals(1)) == {"r1"}
        for topic in (OUTCOMES, CANCELS, DECISIONS):
            letters = installation.read(dead_letters(topic), at_least(2))
            assert sorted(letter.value or b"" for letter in letters) == [b"", b"\xff\x00"]


def test_a_message_that_the_rules_fail_on_is_put_aside(installation, monkeypatch):
    """A bug costs the event that meets it, and nothing else: the state is read anew and the rest is settled."""
    sound = Settler.outcome

    def broken(self, event, spot, now):
        effects = sound(self, event, spot, now)
        if event.record.text == "poison":
            raise RuntimeError("after the state was changed")
        return effects

    monkeypatch.setattr(Settler, "outcome", broken)
    with installation.settling():
        first, second = installation.request("r1", body(deadline=3000)), installation.request("r2")
        installation.outcome(first, "r1", text="poison")
        installation.outcome(second, "r2")
        finals = installation.finals(2)
    assert [reply.code for _, reply in finals["r1"]] == [Code.DEADLINE_EXCEEDED]
    assert [reply.status for _, reply in finals["r2"]] == ["delivered"]
    (letter,) = installation.read(dead_letters(OUTCOMES), at_least(1))
    assert read_reason(letter.headers).code == Code.PROCESSING_FAILED


def test_another_by_the_same_name_deposes_this_one(installation):
    """Whoever still believes to lead after another has taken over writes nothing any more, and ends."""
    usurper = Transactions(installation.settings, settle_group(installation.settings))
    with pytest.raises(DeposedError), installation.settling() as settle:
        depose(usurper, installation, settle)
    with installation.settling():
        installation.outcome(installation.request("r2"), "r2")
        assert "r2" in installation.finals(2)
    usurper.close()


def depose(usurper, installation, settle):
    usurper.open()
    installation.request("r1", body(deadline=1))
    eventually(lambda: not settle.is_ready())


def test_one_stands_by_and_takes_over(installation):
    """Of two, one settles; when it leaves, the other goes on where it was."""
    with ExitStack() as stopping_one, ExitStack() as stopping_other:
        members = [(stack.enter_context(installation.settling()), stack) for stack in (stopping_one, stopping_other)]
        eventually(lambda: sum(member.leads for member, _ in members) == 1)
        message = installation.request("r1")
        installation.outcome(installation.request("r0"), "r0")
        installation.finals(1)
        ((_, stopping),) = [pair for pair in members if pair[0].leads]
        stopping.close()
        installation.outcome(message, "r1")
        installation.outcome(message, "r1")
        finals = installation.finals(2)
    assert {name: len(replies) for name, replies in finals.items()} == {"r0": 1, "r1": 1}


def test_killed_in_the_middle_of_traffic(installation):
    """However often the process is killed: every request has exactly one final reply, the one that is recorded."""
    chance = random.Random(7)
    count = 0
    process = installation.start()
    for _ in range(2):
        enough = installation.written(REPLIES) + chance.randint(10, 100)
        while installation.written(REPLIES) < enough:  # it is at work
            for _ in range(5):
                message = installation.request(f"r{count}", body(deadline=3_000))
                for text in ("one", "two")[: chance.randint(0, 2)]:
                    installation.outcome(message, f"r{count}", text=text)
                count += 1
        process.send_signal(signal.SIGKILL)
        process.wait()
        process = installation.start()
    finals = installation.finals(count)
    assert {len(replies) for replies in finals.values()} == {1}
    states = installation.settlements(count)
    for name, ((own_id, reply),) in finals.items():
        assert own_id == str(derived_id("default", SOURCE, name, "settle")) == str(states[name].reply_id)
        assert (reply.status, reply.code) == (states[name].status, states[name].code)
