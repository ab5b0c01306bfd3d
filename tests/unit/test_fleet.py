"""Several models behind one engine: who answers when one of them cannot."""

import pytest

from models.generation.batches import BatchEngine
from models.generation.circuit import THRESHOLD, Circuit
from models.generation.fleet import Fleet
from models.generation.generator import Answer, Prompt
from models.generation.noop import SENTENCE, NoopGenerator
from schemas.conversation import Message
from schemas.errors import Code, ConfigError

ASKED = (Message(role="user", content="Who?"),)


class Moody(NoopGenerator):
    """Answers as its mood is: a code, an exception, or None for the fixed sentence."""

    def __init__(self, name, mood=None):
        super().__init__()
        self.mood, self.asked, self._name = mood, 0, name

    @property
    def name(self):
        return self._name

    def load(self):
        if self.mood == "unloadable":
            raise ConfigError("no such weights")

    def generate(self, prompts, tells=()):
        self.asked += len(prompts)
        if self.mood is None:
            return super().generate(prompts, tells)
        for tell in tells:
            if tell:
                tell(0, "half an ans")
        return [Answer(code=self.mood) for _ in prompts]


class Broken(BatchEngine):
    """An engine that raises at its next step."""

    def step(self):
        raise RuntimeError("out of everything")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def fleet(*moods, clock=None, engine=BatchEngine):
    generators = [Moody(f"m{number}", mood) for number, mood in enumerate(moods)]
    engines = [
        engine(generator, 4) if number == 0 else BatchEngine(generator, 4)
        for number, generator in enumerate(generators)
    ]
    made = Fleet(engines, {f"m{number}": number for number in range(len(moods))}, clock=clock or Clock())
    return made, generators


def ask(made, *route, ticket=0, tell=None):
    made.submit(ticket, Prompt(ASKED, 20, route=route), tell)
    while True:
        for done in made.step():
            return done


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.MODEL_FAILED])
def test_the_fallback_answers_what_the_wanted_model_cannot(code):
    """The answer is the fallback's and says so; what had been told begins anew."""
    made, _ = fleet(code, None)
    made.load()
    heard = []
    done = ask(made, "m0", "m1", tell=lambda at, text: heard.append((at, text)))
    assert (done.answer.text, done.by.name, done.by.version, done.by.kind) == (SENTENCE, "m1", "noop@1.0.0", "static")
    begun = [number for number, (at, _) in enumerate(heard) if at == 0]
    assert len(begun) == 2
    assert "".join(text for _, text in heard[begun[1] :]) == SENTENCE


def test_without_a_fallback_the_failure_is_the_answer():
    """A route of one model ends where it ends; what is the prompt's own fault goes to no other model."""
    made, generators = fleet(Code.MODEL_FAILED, None)
    made.load()
    assert ask(made, "m0").answer.code is Code.MODEL_FAILED
    generators[0].mood = Code.CONTEXT_TOO_LONG
    assert ask(made, "m0", "m1").answer.code is Code.CONTEXT_TOO_LONG
    assert generators[1].asked == 0


def test_a_model_that_keeps_failing_is_left_alone_and_tried_again(clock):
    """After failures in a row the fallback is asked at once; later one request tries, and a success ends that."""
    made, generators = fleet(Code.UNAVAILABLE, None, clock=clock)
    made.load()
    for _ in range(THRESHOLD + 5):
        assert ask(made, "m0", "m1").by.name == "m1"
    assert generators[0].asked == THRESHOLD
    clock.now = 11
    assert [ask(made, "m0", "m1").by.name for _ in range(3)] == ["m1"] * 3
    assert generators[0].asked == THRESHOLD + 1
    generators[0].mood, clock.now = None, 40
    assert [ask(made, "m0", "m1").by.name for _ in range(3)] == ["m0"] * 3


def test_a_model_that_cannot_be_loaded_is_passed_over():
    """The others serve; a route of it alone has a code. If none can be loaded, the start fails."""
    made, _ = fleet("unloadable", None)
    made.load()
    assert ask(made, "m0", "m1").by.name == "m1"
    assert ask(made, "m0").answer.code is Code.UNAVAILABLE
    with pytest.raises(ConfigError):
        fleet("unloadable", "unloadable")[0].load()


def test_an_engine_that_breaks_gives_its_prompts_to_others():
    """What it had is answered by the next of each route, or fails."""
    made, _ = fleet(None, None, engine=Broken)
    made.load()
    made.submit(1, Prompt(ASKED, 20, route=("m0", "m1")))
    made.submit(2, Prompt(ASKED, 20, route=("m0",)))
    done = {}
    while len(done) < 2:
        done |= {each.ticket: each for each in made.step()}
    assert (done[1].by.name, done[2].answer.code) == ("m1", Code.MODEL_FAILED)


def test_a_prompt_without_a_route_goes_to_the_first():
    """So does one whose names nobody knows."""
    made, _ = fleet(None, None)
    made.load()
    assert [ask(made).by.name, ask(made, "m9").by.name, ask(made, "m1").by.name] == ["m0", "m0", "m1"]


def test_a_circuit_waits_longer_each_time(clock):
    """10 s at first, twice as long after every failure, five minutes at most."""
    circuit = Circuit(clock)
    for _ in range(THRESHOLD):
        circuit.failed()
    waits = []
    for _ in range(8):
        start = clock.now
        while not circuit.allows():
            clock.now += 1
        circuit.failed()
        waits.append(clock.now - start)
    assert waits == [10, 20, 40, 80, 160, 300, 300, 300]
    circuit.succeeded()
    assert circuit.allows()
    assert not circuit.open
