"""Work and completions at the desk, without a broker."""

from dataclasses import replace

import pytest

from models.generation.generator import Answer
from schemas.codec import Message, decode
from schemas.dead_letter import read_reason
from schemas.errors import Code
from schemas.topics import COMPLETIONS, WORK_INTERACTIVE, Namespace
from schemas.work import Completion
from streams.infer.desk import Desk, Reply, Served
from streams.infer.prompts import Prompts
from streams.metrics import Metrics
from tests.fixtures.infer_side import NOON, trace_of, work, work_message

GOETHE = Answer(text="Goethe did.", finish_reason="stop", prompt_tokens=5, completion_tokens=3)


@pytest.fixture
def desk():
    served = Served("noop", {"noop": "noop", "alias": "noop"}, Prompts(max_tokens=7))
    return Desk(WORK_INTERACTIVE, Namespace("weir"), served, Metrics())


def received(outgoing, offset=0):
    topic = Namespace("weir").of(WORK_INTERACTIVE)
    return Message(topic, 0, offset, NOON, outgoing.key, outgoing.value, outgoing.headers)


def read(desk, record, event_id="0", cancelled=()):
    return desk.read(received(work_message(event_id, record)), lambda key: key in cancelled)


def completion(reply):
    assert isinstance(reply, Reply)
    assert reply.publication.topic == "weir.completions"
    return decode(received(reply.publication.message), Completion, COMPLETIONS.type_name)


def test_a_completion_carries_its_work(desk):
    """The completion has the work in it, its request's identity and the conversation as its key."""
    record = work("Who wrote Faust?")
    reply = desk.answer(read(desk, record), GOETHE, 1.5)
    event = completion(reply)
    assert event.record.work == record
    assert (event.record.text, event.record.seconds, event.record.model) == ("Goethe did.", 1.5, "noop")
    assert event.record.usage.completion_tokens == 3
    assert (event.envelope.id, event.envelope.source, event.envelope.traceparent) == ("0", "app", trace_of("0"))
    assert reply.publication.message.key == b"c1"


@pytest.mark.parametrize(
    ("record", "code"),
    [(work(seconds=0), Code.DEADLINE_EXCEEDED), (work(model="gpt-99"), Code.UNKNOWN_MODEL)],
    ids=["late", "other model"],
)
def test_the_model_does_not_see_what_it_need_not(desk, record, code):
    """Late work and work for another model is answered without the model."""
    event = completion(read(desk, record))
    assert (event.record.code, event.record.text, event.record.usage) == (code, None, None)


def test_what_was_cancelled_before_does_not_meet_the_model(desk):
    """Work whose cancel has come already is answered so."""
    key = read(desk, work()).key
    assert completion(read(desk, work(), cancelled=(key,))).record.code == Code.CANCELLED


@pytest.mark.parametrize("name", [None, "noop", "alias"])
def test_a_model_may_have_several_names(desk, name):
    """No name means whatever is served."""
    assert completion(desk.answer(read(desk, work(model=name)), GOETHE)).record.model == "noop"


def test_what_cannot_be_read_is_a_dead_letter(desk):
    """A message without work ends, with the reason."""
    broken = Message("weir.work.interactive", 0, 9, NOON, b"c1", b"{", ())
    letter = desk.read(broken, lambda key: False).publication
    assert letter.topic == "weir.work.interactive.dlq"
    assert read_reason(letter.message.headers).code == Code.MALFORMED_JSON


def test_work_that_we_fail_on_is_a_dead_letter(desk, monkeypatch):
    """A fault of our own ends the message and not the process, and quotes nothing."""

    def fail(*_):
        raise RuntimeError("canary")

    monkeypatch.setattr("streams.infer.prompts.Prompts.make", fail)
    letter = read(desk, work()).publication
    reason = read_reason(letter.message.headers)
    assert reason.code == Code.PROCESSING_FAILED
    assert "canary" not in reason.message


def test_a_completion_that_is_too_large_is_a_dead_letter(desk, monkeypatch):
    """What no broker would take is not tried for ever."""
    monkeypatch.setattr("streams.infer.desk.COMPLETIONS", replace(COMPLETIONS, max_message_bytes=70_000))
    question = read(desk, work())
    letter = desk.answer(question, replace(GOETHE, text="x" * 70_000)).publication
    assert read_reason(letter.message.headers).code == Code.TOO_LARGE


def test_parameters_reach_the_model(desk):
    """What a request asks for counts; what it does not say is the setting's, or greedy."""
    wishes = {"max_tokens": 3, "temperature": 0.5, "top_p": 0.8, "stop": ["x"], "seed": 42}
    own, default = (read(desk, record).prompt for record in (work(parameters=wishes), work()))
    assert (own.max_tokens, own.temperature, own.top_p, own.stop, own.seed) == (3, 0.5, 0.8, ("x",), 42)
    assert (default.max_tokens, default.temperature, default.top_p, default.stop) == (7, 0.0, 1.0, ())


def test_a_seed_is_made_from_the_request(desk):
    """Done again, the same request draws the same text; another request has another seed."""
    seeds = [read(desk, work(), event_id).prompt.seed for event_id in ("0", "1", "0")]
    assert seeds[0] == seeds[2] != seeds[1]


def test_context_stands_before_the_last_question(desk):
    """The model reads the passages that came with a request."""
    talk = [{"role": role, "content": role} for role in ("system", "user", "assistant", "user", "tool")]
    prompt = read(desk, work(messages=talk, context=["first passage", "second passage"])).prompt
    assert [message.role for message in prompt.messages] == ["system", "user", "assistant", "user", "user", "tool"]
    assert "first passage\n\nsecond passage" in prompt.messages[3].content


def test_texts_stay_out_of_representations(desk):
    """A question does not show what is asked."""
    assert "canary" not in repr(read(desk, work("canary-4711")))
