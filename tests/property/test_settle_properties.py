"""Settle against a plain account of its rules, for any interleaving of what may happen, crashes included."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from schemas.ids import derived_id, request_key
from schemas.topics import OUTCOMES, VERDICTS
from schemas.verdict import Verdict
from tests.fixtures.settle_scene import REMEMBER, SOURCE, START, Scene, body, envelope, held, outcome_of, position
from tests.fixtures.settle_scene import review_id as review_of

IDS = st.sampled_from(["r1", "r2"])
BODIES = st.sampled_from([body(), body(deadline=5_000), body("other")])
DEADLINES = {body(): 60, body(deadline=5_000): 5, body("other"): 60}
DECISIONS = st.sampled_from(["release", "edit", "refuse"])
PARTITIONS = st.integers(0, 1)
HOLD, RELEASED, CANCEL = 100, 60, 3_600  # seconds


class Life:
    """What becomes of one request, told plainly. Seconds since the start."""

    def __init__(self, state, value, until):
        self.state, self.value, self.until = state, value, until
        self.side = self.on_expiry = None
        self.passed = False


class Settling(RuleBasedStateMachine):
    """Events in any order. ``lives`` is the plain account; every reply is compared with it as it comes."""

    def __init__(self):
        super().__init__()
        self.scene = Scene()
        self.lives = {}
        self.written = []  # (message, id), in the order of the log, read or not
        self.unread = {0: [], 1: []}
        self.clock = 0
        self.finals = 0

    # what is expected

    def settle(self, event_id, *reply):
        self.lives[event_id].state = "settled"
        self.lives[event_id].until = self.clock + REMEMBER // 1000
        self.finals += 1
        return [(event_id, *reply)]

    def is_late(self, message, event_id):
        """Whether an outcome of this message comes after the message was read, and after it was forgotten."""
        return all(message is not waiting for waiting, _ in self.unread[message.partition])

    def expected_outcome(self, message, event_id, stage, status, side, on_expiry):
        life = self.lives.get(event_id)
        if life is None or life.state == "cancelled":
            if self.is_late(message, event_id):
                return []
            cancelled = life is not None
            life = self.lives[event_id] = Life("open", message.value, None)
            if cancelled:
                return self.settle(event_id, "error", "CANCELLED")
        if life.state != "open" or life.value != message.value or (life.passed and stage == "screen"):
            return []
        if status != "held":
            return self.settle(event_id, status, None)
        life.state, life.until, life.side, life.on_expiry = "held", self.clock + HOLD, side, on_expiry
        return [(event_id, "held", None)]

    def expected_release(self, event_id, status):
        life = self.lives[event_id]
        if life.side == "response":
            return self.settle(event_id, status, None)
        life.state, life.until, life.passed = "open", self.clock + RELEASED, True
        return []

    def expected_by_time(self):
        replies = []
        for event_id, life in sorted(self.lives.items(), key=lambda pair: pair[1].until):
            if life.until > self.clock:
                continue
            if life.state == "open":
                replies += self.settle(event_id, "error", "DEADLINE_EXCEEDED")
            elif life.state == "held" and life.on_expiry == "refuse":
                replies += self.settle(event_id, "withheld", "HOLD_EXPIRED")
            elif life.state == "held":
                replies += self.expected_release(event_id, "delivered")
            else:
                del self.lives[event_id]
        return replies

    def compare(self, replies, expected):
        found = [(reply.request_id, reply.status, reply.code) for reply in replies]
        assert sorted(found, key=str) == sorted(expected, key=str)

    # what happens

    @rule(event_id=IDS, value=BODIES, partition=PARTITIONS)
    def a_request_is_written(self, event_id, value, partition):
        message = self.scene.write_request(event_id, value, partition)
        self.written.append((message, event_id))
        self.unread[partition].append((message, event_id))

    @rule(partition=PARTITIONS, at_once=st.integers(1, 3))
    def requests_are_read(self, partition, at_once):
        taken = self.unread[partition][:at_once]
        del self.unread[partition][:at_once]
        expected = []
        for message, event_id in taken:
            life = self.lives.get(event_id)
            if life is None:
                arrival = (round(message.timestamp.timestamp() * 1000) - START) // 1000
                self.lives[event_id] = Life("open", message.value, arrival + DEADLINES[message.value])
            elif life.state == "cancelled":
                life.value = message.value
                expected += self.settle(event_id, "error", "CANCELLED")
        replies = self.scene.read(*(message for message, _ in taken))
        self.compare(replies, expected + self.expected_by_time())

    @precondition(lambda self: self.written)
    @rule(
        data=st.data(),
        stage=st.sampled_from(["screen", "judge"]),
        status=st.sampled_from(["delivered", "withheld", "held"]),
        on_expiry=st.sampled_from(["refuse", "release"]),
        again=st.booleans(),
    )
    def an_outcome_comes(self, data, stage, status, on_expiry, again):
        message, event_id = data.draw(st.sampled_from(self.written))
        side = "prompt" if stage == "screen" else "response"
        outcome = outcome_of(message, stage, status)
        if status == "held":
            outcome = held(message, event_id, side, on_expiry, HOLD)
        expected = self.expected_outcome(message, event_id, stage, status, side, on_expiry)
        if again:  # a stage that died before it could acknowledge
            expected += self.expected_outcome(message, event_id, stage, status, side, on_expiry)
        times = 1 + again
        events = [self.scene.write(OUTCOMES, outcome, envelope(OUTCOMES, event_id)) for _ in range(times)]
        self.compare(self.scene.read(*events), expected + self.expected_by_time())

    @rule(event_id=IDS, side=st.sampled_from(["prompt", "response"]), action=DECISIONS)
    def a_reviewer_decides(self, event_id, side, action):
        self.decide(event_id, side, action)

    @precondition(lambda self: any(life.state == "held" for life in self.lives.values()))
    @rule(data=st.data(), action=DECISIONS)
    def a_reviewer_decides_about_what_is_held(self, data, action):
        held_ids = sorted(name for name, life in self.lives.items() if life.state == "held")
        event_id = data.draw(st.sampled_from(held_ids))
        self.decide(event_id, self.lives[event_id].side, action)

    def decide(self, event_id, side, action):
        life = self.lives.get(event_id)
        expected = []
        if life is not None and life.state == "held" and life.side == side:
            if action == "refuse":
                expected = self.settle(event_id, "withheld", "REFUSED_BY_REVIEWER")
            else:
                expected = self.expected_release(event_id, "redacted" if action == "edit" else "delivered")
        text = "better" if action == "edit" else None
        replies = self.scene.decide(review_of(event_id, side), action, text)
        self.compare(replies, expected + self.expected_by_time())

    @rule(event_id=IDS)
    def the_application_cancels(self, event_id):
        life = self.lives.get(event_id)
        expected = []
        if life is None:
            self.lives[event_id] = Life("cancelled", None, self.clock + CANCEL)
        elif life.state in {"open", "held"}:
            expected = self.settle(event_id, "error", "CANCELLED")
        self.compare(self.scene.cancel(event_id), expected + self.expected_by_time())

    @rule(seconds=st.sampled_from([1, 4, 30, 60, 100, 1_000, 3_600]))
    def time_passes(self, seconds):
        self.clock += seconds
        self.compare(self.scene.wait(seconds), self.expected_by_time())

    @rule()
    def settle_dies(self):
        self.scene.crash()

    # what always holds

    @invariant()
    def every_final_reply_has_its_settlement(self):
        """As many of the one as of the other, with the same ids, and no more than were expected."""
        final = [own_id for own_id, reply in self.scene.replies if reply.final]
        assert len(final) == self.finals
        seen, settled = set(), []
        for key, record in self.scene.states:
            if record is None or record.state != "settled":
                seen.discard(key)
            elif key not in seen:  # the others account for repeats
                seen.add(key)
                settled.append(str(record.reply_id))
        assert settled == final
        assert set(final) <= {str(derived_id("default", SOURCE, name, "settle")) for name in ("r1", "r2")}

    def teardown(self):
        """In the end every request that was read has been answered, and every place is accounted for."""
        for partition in (0, 1):
            self.requests_are_read(partition, len(self.unread[partition]))
        for seconds in (100, 100, 100, 100):  # a hold, a released prompt, its response's hold, and none left
            self.time_passes(seconds)
        last = {key.decode(): record for key, record in self.scene.states}
        keys = {request_key(SOURCE, event_id) for _, event_id in self.written}
        # A cancellation may wait for ever: its request has been forgotten.
        assert {last[key].state for key in keys if last[key] is not None} <= {"settled", "cancelled"}
        settled = (record for _, record in self.scene.states if record and record.state == "settled")
        places = [place for record in settled for place in record.positions]
        places += [Verdict.model_validate_json(made.value).position for made in self.scene.published(VERDICTS)]
        assert {(place.partition, place.offset) for place in places} >= {
            (position(message).partition, message.offset) for message, _ in self.written
        }


Settling.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestSettling = Settling.TestCase
