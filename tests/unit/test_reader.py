"""Guards that raise, hang, run out of memory or return nonsense, and what becomes of their neighbours."""

import threading
from time import monotonic

import pytest

from guards.circuit import FAULTS, PAUSE_SECONDS
from guards.guard import Passage, Reading, Score, Side
from guards.oversight import CHARACTERS, Fault, Oversight, Unwatched
from guards.reader import Failed, Reader
from guards.time_limit import MOST_LATE, TimeLimit, TooLateError
from schemas.errors import Code
from tests.fixtures.guards import CountingEncoder, SpanGuard, WordGuard

FAILED = Failed(Code.GUARD_FAILED)


class Moody(WordGuard):
    """A guard that does to a text what the text says; `ill` makes it do that to all of them."""

    def __init__(self):
        super().__init__()
        self.ill = None
        self.asked = 0
        self.gate = threading.Event()

    def read(self, passages, features):
        self.asked += 1
        for passage in passages:
            match self.ill or passage.text:
                case "raise":
                    raise ValueError(passage.text)
                case "memory":
                    raise MemoryError
                case "panic":
                    raise KeyboardInterrupt  # no Exception, like a panic in Rust
                case "hang":
                    self.gate.wait(120)
                case "few":
                    return []
                case "nothing":
                    return [None] * len(passages)
        readings = super().read(passages, features)
        wrong = {"not a number": Reading({"toxicity": Score(float("nan"))}), "five": Reading({"toxicity": Score(5.0)})}
        return [wrong.get(p.text, reading) for p, reading in zip(passages, readings, strict=True)]


class Told(Unwatched):
    def __init__(self):
        self.faults, self.circuits = [], []

    def failed(self, guard, fault, passages):
        self.faults.append((guard, fault, passages))

    def circuit(self, guard, *, is_open):
        self.circuits.append((guard, is_open))


class Scene:
    def __init__(self, seconds=30.0):
        self.guard, self.told, self.now = Moody(), Told(), 0.0
        self.reader = Reader(CountingEncoder(), Oversight(self.told, seconds, lambda: self.now))

    def read(self, *texts, others=()):
        passages = [Passage(text, Side.PROMPT) for text in texts]
        found = self.reader.read({self.guard: passages, **dict.fromkeys(others, passages)}, 1_000_000).readings
        return {p.text: found[self.guard, p] for p in passages}, found


@pytest.fixture
def scene():
    made = Scene()
    yield made
    made.guard.gate.set()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("raise", Fault.RAISED), ("memory", Fault.RAISED), ("panic", Fault.RAISED), ("few", Fault.RAISED),
        ("nothing", Fault.RAISED), ("not a number", Fault.NONSENSE), ("five", Fault.NONSENSE),
    ],
)  # fmt: skip
def test_a_poisonous_text_fails_alone(scene, text, fault):
    """Whatever a guard does to one text of a batch, the others are read, and other guards read all of them."""
    other = WordGuard("injection")
    found, every = scene.read("fine", "bad", text, "well", others=[other])
    assert {each: outcome for each, outcome in found.items() if outcome == FAILED} == {text: FAILED}
    assert FAILED not in [outcome for (guard, _), outcome in every.items() if guard is other]
    assert scene.told.faults == [("toxicity", fault, 1)]


def test_a_guard_that_hangs_fails_for_its_text_in_time():
    """The batch is back after two limits at most; its other texts are read."""
    scene = Scene(seconds=1.0)
    begun = monotonic()
    found, _ = scene.read("fine", "bad", "hang", "well")
    assert monotonic() - begun < 60
    assert [text for text, outcome in found.items() if outcome == FAILED] == ["hang"]
    assert scene.told.faults == [("toxicity", Fault.LATE, 1)]
    scene.guard.gate.set()


def test_longer_texts_have_more_time():
    """In proportion, beyond what the limit is meant for."""
    oversight = Oversight(seconds=30.0)
    assert [oversight.seconds_for(n) for n in (0, CHARACTERS, 3 * CHARACTERS)] == [30, 30, 90]


def test_an_encoder_that_hangs_fails_the_guards_that_need_it():
    """Those that need no encoder judge as ever."""
    gate = threading.Event()

    class Hanging(CountingEncoder):
        def encode(self, texts):
            gate.wait(120)
            return super().encode(texts)

    told, needy, plain = Told(), WordGuard(), SpanGuard()
    passage = Passage("fine", Side.PROMPT)
    found = Reader(Hanging(), Oversight(told, 1.0)).read({needy: [passage], plain: [passage]}, 1_000).readings
    gate.set()
    assert found[needy, passage] == FAILED
    assert found[plain, passage] != FAILED
    assert ("encoder", Fault.LATE, 1) in told.faults


def test_a_guard_that_fails_at_everything_is_not_asked_until_a_probe_goes_well(scene):
    """The circuit opens, costs no call meanwhile, and closes by a probe; everybody is told."""
    scene.guard.ill = "raise"
    for _ in range(FAULTS):
        scene.read("fine")
    assert scene.told.circuits == [("toxicity", True)]
    asked = scene.guard.asked
    assert scene.read("fine")[0] == {"fine": FAILED}
    assert scene.guard.asked == asked
    scene.now += PAUSE_SECONDS
    scene.read("fine")
    assert scene.told.circuits == [("toxicity", True)]
    scene.guard.ill = None
    assert scene.read("fine")[0] == {"fine": FAILED}
    scene.now += PAUSE_SECONDS
    assert scene.read("fine")[0]["fine"] != FAILED
    assert scene.told.circuits == [("toxicity", True), ("toxicity", False)]


def test_nobody_can_switch_a_guard_off_by_poisonous_texts(scene):
    """Where a harmless text is read, the texts were at fault: the next ones are judged as ever."""
    for _ in range(10 * FAULTS):
        scene.read("raise")
    assert scene.read("fine")[0]["fine"] != FAILED
    assert scene.told.circuits == []


def test_a_guard_that_hangs_at_everything_is_not_asked_at_once():
    """A second batch does not wait again."""
    scene = Scene(seconds=0.1)
    scene.guard.ill = "hang"
    scene.read("fine")
    assert scene.told.circuits == [("toxicity", True)]
    asked = scene.guard.asked
    scene.read("fine")
    assert scene.guard.asked == asked
    scene.guard.gate.set()


def test_calls_that_never_end_are_few():
    """With so many threads lost, nothing more is begun; once they come back, calls go through again."""
    limit, gate = TimeLimit(), threading.Event()
    for _ in range(MOST_LATE):
        with pytest.raises(TooLateError):
            limit.call(lambda: gate.wait(120), 0.01)
    begun = []
    with pytest.raises(TooLateError):
        limit.call(lambda: begun.append(1), 5.0)
    assert begun == []
    gate.set()
    end = monotonic() + 120
    while monotonic() < end:
        try:
            assert limit.call(lambda: 7, 5.0) == 7
        except TooLateError:
            continue
        return
    pytest.fail("the threads did not come back")


def test_a_call_raises_what_it_raises():
    """Its own time-outs too, which are not ours."""
    with pytest.raises(TimeoutError, match="mine"):
        TimeLimit().call(lambda: (_ for _ in ()).throw(TimeoutError("mine")), 5.0)
