"""A batch through a stage: halving, dead letters, sizes."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Message, Outgoing
from schemas.dead_letter import read_reason
from schemas.errors import Code, UnavailableError
from schemas.topics import INTERACTIONS
from streams.agents.batch import BatchRunner, cut, utc
from streams.dead_letters.allowance import Allowance, TooManyDeadLettersError
from streams.metrics import Metrics
from streams.stage import Publication

LETTERS = "weir.interactions.dlq"


def message(offset, value=b"text"):
    return Message("weir.interactions", 0, offset, datetime(2026, 1, 1, tzinfo=UTC), b"key", value, (("h", b"1"),))


class Stage:
    """Publishes the offset of each message, ``copies`` times; raises for a batch with a poisonous offset."""

    name = "screen"
    topic = INTERACTIONS

    def __init__(self, poison=(), *, gives_up=True, surplus=0, copies=1):
        self._poison = set(poison)
        self._gives_up = gives_up
        self._surplus = surplus
        self._copies = copies
        self.batches = []

    def load(self): ...

    def process(self, messages):
        self.batches.append(len(messages))
        if self._poison & {message.offset for message in messages}:
            raise RuntimeError("canary-7f3a")
        caused = [(Publication("out", Outgoing(None, b"%d" % m.offset)),) * self._copies for m in messages]
        return caused * (1 + self._surplus)

    def give_up(self, message, error):
        if not self._gives_up:
            raise RuntimeError("canary-7f3a")
        return Publication(LETTERS, Outgoing(message.key, b"letter %d" % message.offset))


class Publisher:
    """Keeps what is published, and refuses values longer than a limit."""

    def __init__(self, limit=1000):
        self._limit = limit
        self.published = []

    def publish(self, publications):
        refused = [i for i, p in enumerate(publications) if len(p.message.value) > self._limit]
        self.published += [p for i, p in enumerate(publications) if i not in refused]
        return refused


def runner(stage, publisher=None, metrics=None, allowance=None):
    return BatchRunner(stage, LETTERS, publisher or Publisher(), metrics or Metrics(), allowance or Allowance(1, 0))


def published(*values):
    return tuple(Publication("out", Outgoing(None, value)) for value in values)


def values(caused):
    return [publication.message.value for publications in caused for publication in publications]


def test_a_batch_is_processed_in_one_call():
    """A batch that works goes through the stage once, in order."""
    stage = Stage()
    assert values(runner(stage).judge([message(n) for n in range(8)])) == [b"%d" % n for n in range(8)]
    assert stage.batches == [8]


@given(st.integers(1, 40), st.sets(st.integers(0, 39), max_size=5))
def test_poison_ends_alone(size, poison):
    """Whatever the stage raises for, the others come out as if it were absent, and each poison as a dead letter."""
    got = values(runner(Stage(poison)).judge([message(n) for n in range(size)]))
    assert got == [b"letter %d" % n if n in poison else b"%d" % n for n in range(size)]


def test_a_wrong_number_of_answers_is_a_failure():
    """A stage that does not answer one to one is not believed: each message becomes a dead letter."""
    assert values(runner(Stage(surplus=1)).judge([message(1), message(2)])) == [b"letter 1", b"letter 2"]


def test_a_stage_that_cannot_give_up_still_ends_the_message():
    """If the stage raises even for the dead letter, the original becomes one with a code and without the exception."""
    metrics = Metrics()
    ((letter,),) = runner(Stage({1}, gives_up=False), metrics=metrics).judge([message(1, b"original")])
    assert (letter.topic, letter.message.key, letter.message.value) == (LETTERS, b"key", b"original")
    assert ("h", b"1") in letter.message.headers
    assert read_reason(letter.message.headers).code == Code.PROCESSING_FAILED
    assert "canary" not in str(letter.message.headers)
    assert (
        metrics.registry.get_sample_value("weir_dead_letters_total", {"stage": "screen", "code": "PROCESSING_FAILED"})
        == 1
    )


def test_a_result_that_is_too_large_becomes_a_dead_letter():
    """What no broker takes ends as the stage's dead letter; the rest of the batch is published once."""
    publisher = Publisher(limit=10)
    runner(Stage(), publisher).deliver([message(1), message(2)], [published(b"small"), published(b"x" * 11)])
    assert values([publisher.published]) == [b"small", b"letter 2"]


def test_all_that_a_message_causes_is_delivered():
    """Every publication of every message is published, in order, in one go."""
    publisher, subject = Publisher(), runner(Stage(copies=3))
    caused = subject.judge([message(1), message(2)])
    runner(Stage(), publisher).deliver([message(1), message(2)], caused)
    assert values([publisher.published]) == [b"1"] * 3 + [b"2"] * 3


def test_a_message_becomes_one_dead_letter_however_much_of_it_is_too_large():
    """Two results of one message that no broker takes make one dead letter, and it is that message's."""
    publisher = Publisher(limit=10)
    large = published(b"x" * 11, b"small", b"y" * 11)
    runner(Stage(), publisher).deliver([message(1), message(2)], [published(b"a", b"b"), large])
    assert values([publisher.published]) == [b"a", b"b", b"small", b"letter 2"]


def test_a_dead_letter_that_is_too_large_keeps_its_reason():
    """If the dead letter is too large as well, one without the original bytes says where they are."""
    publisher = Publisher(limit=5)
    runner(Stage(), publisher).deliver([message(7)], [published(b"x" * 11)])
    (letter,) = publisher.published
    reason = read_reason(letter.message.headers)
    assert (letter.message.key, letter.message.value) == (None, b"")
    assert (reason.topic, reason.partition, reason.offset, reason.code) == ("weir.interactions", 0, 7, Code.TOO_LARGE)
    assert ("h", b"1") not in letter.message.headers


def test_brokers_that_refuse_everything_are_unavailable():
    """A refusal of even the bare dead letter is the broker's fault: nothing counts as delivered."""
    with pytest.raises(UnavailableError):
        runner(Stage(), Publisher(limit=-1)).deliver([message(1)], [published(b"x")])


def test_batches_are_measured():
    """Size, duration and age of a batch are observed under the stage's name."""
    metrics = Metrics()
    subject = runner(Stage(), metrics=metrics)
    subject.deliver([message(1)], subject.judge([message(1)]))
    for name in ("weir_batch_events", "weir_guard_batch_seconds", "weir_event_age_seconds"):
        assert metrics.registry.get_sample_value(f"{name}_count", {"stage": "screen"}) == 1


@given(st.lists(st.integers(0, 50)), st.integers(1, 60))
def test_cuts_are_whole_and_bounded(sizes, limit):
    """The slices hold everything in order, none is empty, and only a single message exceeds the limit."""
    slices = list(cut(sizes, limit))
    assert [size for part in slices for size in sizes[part]] == sizes
    assert all(sizes[part] and (sum(sizes[part]) <= limit or len(sizes[part]) == 1) for part in slices)


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        (1_767_225_600_123, datetime(2026, 1, 1, 0, 0, 0, 123_000, UTC)),
        (-1, datetime(1970, 1, 1, tzinfo=UTC)),
        (2**62, datetime(9999, 12, 31, 23, 59, 59, 999_000, UTC)),
    ],
)
def test_any_timestamp_is_a_time(milliseconds, expected):
    """The broker's milliseconds are exact; a value outside the calendar becomes its end."""
    assert utc(milliseconds) == expected


def test_too_many_dead_letters_stop_the_stage():
    """The batch that exceeds the allowance is not published, nor is any later one that would lose a message."""
    publisher = Publisher()
    stage = runner(Stage(poison={1, 2, 3, 4}), publisher, allowance=Allowance(0.5, 2))
    assert len(stage.judge([message(0), message(1), message(2)])) == 3
    with pytest.raises(TooManyDeadLettersError, match="WEIR_DEAD_LETTER_SHARE"):
        stage.judge([message(3), message(4)])
    assert publisher.published == []
