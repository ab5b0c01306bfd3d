"""Settle against a plain account of its rules, for any interleaving of what may happen, crashes included."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.fixtures import settle_reckoning as what
from tests.interleavings.__main__ import run

IDS = st.sampled_from(what.IDS)
PARTITIONS = st.sampled_from(what.PARTITIONS)


class Settling(RuleBasedStateMachine):
    """Events in any order."""

    def __init__(self):
        super().__init__()
        self.reckoning = what.Reckoning()

    @rule(event_id=IDS, value=st.sampled_from(what.BODIES), partition=PARTITIONS)
    def a_request_is_written(self, event_id, value, partition):
        self.reckoning.write(event_id, value, partition)

    @rule(partition=PARTITIONS, at_once=st.integers(1, 3))
    def requests_are_read(self, partition, at_once):
        self.reckoning.read(partition, at_once)

    @precondition(lambda self: self.reckoning.written)
    @rule(
        data=st.data(),
        stage=st.sampled_from(what.STAGES),
        status=st.sampled_from(what.STATUSES),
        on_expiry=st.sampled_from(what.ON_EXPIRY),
        times=st.integers(1, 2),
    )
    def an_outcome_comes(self, data, stage, status, on_expiry, times):
        written = data.draw(st.sampled_from(self.reckoning.written))
        self.reckoning.outcome(written, stage, status, on_expiry, times)

    @rule(event_id=IDS, side=st.sampled_from(what.SIDES), action=st.sampled_from(what.ACTIONS))
    def a_reviewer_decides(self, event_id, side, action):
        self.reckoning.decide(event_id, side, action)

    @precondition(lambda self: any(life.state == "held" for life in self.reckoning.lives.values()))
    @rule(data=st.data(), action=st.sampled_from(what.ACTIONS))
    def a_reviewer_decides_about_what_is_held(self, data, action):
        lives = self.reckoning.lives
        event_id = data.draw(st.sampled_from(sorted(name for name, life in lives.items() if life.state == "held")))
        self.reckoning.decide(event_id, lives[event_id].side, action)

    @rule(event_id=IDS)
    def the_application_cancels(self, event_id):
        self.reckoning.cancel(event_id)

    @rule(seconds=st.sampled_from(what.SECONDS))
    def time_passes(self, seconds):
        self.reckoning.wait(seconds)

    @rule()
    def settle_dies(self):
        self.reckoning.crash()

    @invariant()
    def every_final_reply_has_its_settlement(self):
        self.reckoning.check()

    def teardown(self):
        """In the end every request that was read has been answered, and every place is accounted for."""
        self.reckoning.end()


Settling.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestSettling = Settling.TestCase


def test_interleavings_by_the_hundred_thousand_are_the_same_kind():
    """What `make interleavings` runs at length agrees for a few, and meets every kind of event and of reply."""
    result = run(number=150, seed=1)
    assert result.failures == []
    assert result.distinct == 150
    assert set(result.happened) == {"write", "read", "outcome", "decide", "cancel", "wait", "crash"}
    assert {"delivered", "withheld", "held", "redacted", "error"} <= result.replies.keys()
