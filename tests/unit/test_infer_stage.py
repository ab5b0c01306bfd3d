"""Work through the inference stage, without a broker."""

import pytest

from models.generation.noop import SENTENCE, NoopGenerator
from schemas.codec import Message, decode
from schemas.dead_letter import read_reason
from schemas.errors import Code
from schemas.topics import COMPLETIONS, WORK_INTERACTIVE, Namespace
from schemas.work import Completion
from streams.infer.prompts import Prompts
from streams.infer.stage import InferStage, Served
from streams.metrics import Metrics
from tests.fixtures.infer_side import NOON, trace_of, work, work_message


class Recorder(NoopGenerator):
    """Keeps what it is asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def generate(self, prompts):
        self.asked += prompts
        return super().generate(prompts)


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def stage(recorder):
    served = Served(recorder, frozenset({"noop", "alias"}), Prompts(max_tokens=7))
    return InferStage(WORK_INTERACTIVE, Namespace("weir"), served, Metrics())


def received(outgoing, offset=0):
    topic = Namespace("weir").of(WORK_INTERACTIVE)
    return Message(topic, 0, offset, NOON, outgoing.key, outgoing.value, outgoing.headers)


def completion(publications):
    (publication,) = publications
    assert publication.topic == "weir.completions"
    return decode(received(publication.message), Completion, COMPLETIONS.type_name)


def process(stage, *records):
    return stage.process([received(work_message(str(n), record), n) for n, record in enumerate(records)])


def test_a_completion_carries_its_work(stage):
    """The completion has the work in it, its request's identity and the conversation as its key."""
    record = work("Who wrote Faust?")
    (publications,) = process(stage, record)
    event = completion(publications)
    assert event.record.work == record
    assert event.record.text == " ".join(SENTENCE.split()[:7])
    assert (event.envelope.id, event.envelope.source, event.envelope.traceparent) == ("0", "app", trace_of("0"))
    assert publications[0].message.key == b"c1"


@pytest.mark.parametrize(
    ("record", "code"),
    [(work(seconds=0), Code.DEADLINE_EXCEEDED), (work(model="gpt-99"), Code.UNKNOWN_MODEL)],
    ids=["late", "other model"],
)
def test_the_model_does_not_see_what_it_need_not(stage, recorder, record, code):
    """Late work and work for another model is answered without the model."""
    (publications,) = process(stage, record)
    event = completion(publications)
    assert (event.record.code, event.record.text, event.record.usage) == (code, None, None)
    assert recorder.asked == []


@pytest.mark.parametrize("name", [None, "noop", "alias"])
def test_a_model_may_have_several_names(stage, name):
    """No name means whatever is served."""
    (publications,) = process(stage, work(model=name))
    assert completion(publications).record.model == "noop"


def test_answers_stay_with_their_work(stage):
    """In a mixed batch every message has its own outcome."""
    sent = [work_message(str(n), record) for n, record in enumerate([work(), work(seconds=0), work(model="x"), work()])]
    broken = Message("weir.work.interactive", 0, 9, NOON, b"c1", b"{", ())
    *made, letter = stage.process([*map(received, sent), broken])
    events = list(map(completion, made))
    assert [event.envelope.id for event in events] == ["0", "1", "2", "3"]
    assert [event.record.code for event in events] == [None, Code.DEADLINE_EXCEEDED, Code.UNKNOWN_MODEL, None]
    assert letter[0].topic == "weir.work.interactive.dlq"
    assert read_reason(letter[0].message.headers).code == Code.MALFORMED_JSON


def test_parameters_reach_the_model(stage, recorder):
    """What a request asks for counts; what it does not say is the setting's, or greedy."""
    wishes = {"max_tokens": 3, "temperature": 0.5, "top_p": 0.8, "stop": ["x"], "seed": 42}
    process(stage, work(parameters=wishes), work())
    own, default = recorder.asked
    assert (own.max_tokens, own.temperature, own.top_p, own.stop, own.seed) == (3, 0.5, 0.8, ("x",), 42)
    assert (default.max_tokens, default.temperature, default.top_p, default.stop) == (7, 0.0, 1.0, ())


def test_a_seed_is_made_from_the_request(stage, recorder):
    """Done again, the same request draws the same text; another request has another seed."""
    process(stage, work(), work())
    process(stage, work())
    assert recorder.asked[0].seed == recorder.asked[2].seed != recorder.asked[1].seed


def test_context_stands_before_the_last_question(stage, recorder):
    """The model reads the passages that came with a request."""
    talk = [{"role": role, "content": role} for role in ("system", "user", "assistant", "user", "tool")]
    process(stage, work(messages=talk, context=["first passage", "second passage"]))
    (prompt,) = recorder.asked
    assert [message.role for message in prompt.messages] == ["system", "user", "assistant", "user", "user", "tool"]
    assert "first passage\n\nsecond passage" in prompt.messages[3].content
