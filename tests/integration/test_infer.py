"""Work on a real broker is answered, whatever happens to the processes that answer."""

import signal
from collections import Counter

import pytest

from models.catalog import find_entry
from models.store import FileState, verify
from schemas.codec import Outgoing
from schemas.dead_letter import read_reason
from schemas.errors import Code
from schemas.serving import Plan
from schemas.topics import COMPLETIONS, WORK_BULK, WORK_INTERACTIVE, dead_letters
from streams.settings import load_settings
from tests.fixtures.infer_side import Inferring, trace_of, work, work_message
from tests.fixtures.slow_infer import ENDLESS
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.kafka

SLOW = "tests.fixtures.slow_infer"


@pytest.fixture
def inferring(bootstrap, namespace, tmp_path):
    made = Inferring(bootstrap, namespace, tmp_path)
    yield made
    made.close()


@pytest.fixture
def gate(tmp_path):
    """A file without which no batch of the model ends."""
    return tmp_path / "gate"


def test_every_piece_of_work_ends(inferring):
    """Work of both topics gets a text, or the code that says why not; what cannot be read is a dead letter."""
    inferring.ask("plain", work(model="noop", parameters={"max_tokens": 3}))
    inferring.ask("odd", work("lone \ud800 and \x00 and 😀"))
    inferring.ask("bulk", work(), WORK_BULK)
    inferring.ask("late", work(seconds=-1))
    inferring.ask("other", work(model="gpt-99"))
    inferring.ask("huge", work("x" * 2_000_000))
    inferring.write(WORK_INTERACTIVE, Outgoing(b"c1", b"\xff not JSON"))
    inferring.write(WORK_BULK, Outgoing(b"c1", b'{"request": 1}', work_message("half", work()).headers))
    process = inferring.start()
    answers = {event.envelope.id: event for event in inferring.completions(6)}
    assert {event_id: event.record.code for event_id, event in answers.items()} == {
        "plain": None,
        "odd": None,
        "bulk": None,
        "late": Code.DEADLINE_EXCEEDED,
        "other": Code.UNKNOWN_MODEL,
        "huge": Code.CONTEXT_TOO_LONG,
    }
    plain = answers["plain"]
    assert (plain.envelope.source, plain.envelope.type) == ("app", "weir.completion.v1")
    assert (plain.envelope.traceparent, plain.conversation) == (trace_of("plain"), "c1")
    assert (plain.record.model, plain.record.finish_reason) == ("noop", "length")
    assert plain.record.usage.completion_tokens == 3
    assert plain.record.work == answers["plain"].record.work
    assert answers["odd"].record.work.request.messages[0].content == "lone \ud800 and \x00 and 😀"
    letters = [inferring.read(dead_letters(topic), len) for topic in (WORK_INTERACTIVE, WORK_BULK)]
    assert [(letter.value, read_reason(letter.headers).stage) for (letter,) in letters] == [
        (b"\xff not JSON", "infer"),
        (b'{"request": 1}', "infer"),
    ]
    eventually(lambda: inferring.committed() == 8)
    metrics = process.get("/metrics").read().decode()
    assert 'weir_infer_answers_total{code="UNKNOWN_MODEL",model=""} 1.0' in metrics
    assert 'weir_infer_completion_tokens_total{model="noop"}' in metrics
    assert "Faust" not in process.log


def test_interactive_work_overtakes_bulk_work(inferring, gate):
    """Interactive work that comes late is answered before bulk work that has waited."""
    for number in range(16):
        inferring.ask(f"bulk-{number}", work(conversation=f"b{number}"), WORK_BULK)
    process = inferring.start(SLOW, gate, infer_batch="4")
    process.wait_ready()
    eventually(lambda: process.metric('weir_infer_waiting{lane="bulk"} 12.0'))
    for number in range(4):
        inferring.ask(f"now-{number}", work(conversation=f"n{number}"))
    eventually(lambda: process.metric('weir_infer_waiting{lane="interactive"} 4.0'))
    gate.touch()
    order = [event.envelope.id for event in inferring.completions(20)]
    assert len(order) == 20
    assert max(order.index(f"now-{number}") for number in range(4)) < 20 - 8


def test_a_killed_process_loses_no_work(inferring):
    """After kill -9 in the middle of a batch another process answers everything."""
    first = inferring.start(SLOW, "0.5", infer_batch="4")
    first.wait_ready()
    for number in range(20):
        inferring.ask(str(number), work(conversation=f"c{number}"))
    inferring.completions(1)
    first.signal(signal.SIGKILL)
    inferring.start(SLOW, "0.1")
    answered = {event.envelope.id for event in inferring.completions(20)}
    assert answered == set(map(str, range(20)))
    eventually(lambda: inferring.committed() == 20)


def test_a_killed_process_repeats_little(inferring):
    """What was answered behind a request that takes long is not answered again after kill -9, only what was not."""
    first = inferring.start(SLOW, "0.05", infer_batch="4")
    first.wait_ready()
    inferring.ask("slow", work(conversation="s", parameters={"max_tokens": ENDLESS}))
    for number in range(40):
        inferring.ask(str(number), work(conversation=f"c{number}"))
    inferring.completions(40)
    first.signal(signal.SIGKILL)
    inferring.start()
    inferring.completions(41)
    eventually(lambda: inferring.committed() == 41)
    made = Counter(event.envelope.id for event in inferring.completions(41))
    assert made == Counter([*map(str, range(40)), "slow"])


def test_a_cancel_stops_what_waits_and_what_is_in_the_model(inferring, gate):
    """Cancelled work, and its copy for a model on trial, is answered so without a text; what is behind it goes on."""
    process = inferring.start(SLOW, gate, infer_batch="1")
    process.wait_ready()
    inferring.ask("first", work(conversation="c1"))
    eventually(lambda: process.metric("weir_infer_running 1.0"))
    inferring.ask("late", work(conversation="c2"))
    copy = work(conversation="c2").model_copy(update={"plan": Plan(models=("noop",), shadow="noop")})
    inferring.ask("late", copy, WORK_BULK)
    inferring.cancel("late")
    inferring.read(COMPLETIONS, lambda found: len(found) == 2)  # while the first is in the model
    inferring.ask("last", work(conversation="last"))
    gate.touch()
    answers = Counter((event.envelope.id, event.record.code) for event in inferring.completions(3))
    assert answers == Counter({("first", None): 1, ("late", Code.CANCELLED): 2, ("last", None): 1})
    eventually(lambda: inferring.committed() == 4)


def test_what_waits_is_answered_at_its_deadline(inferring, gate):
    """Work whose time is up while others are in the model is answered then, and costs no tokens."""
    process = inferring.start(SLOW, gate, infer_batch="1")
    process.wait_ready()
    inferring.ask("first", work(conversation="a"))
    eventually(lambda: process.metric("weir_infer_running 1.0"))
    inferring.ask("late", work(conversation="b", seconds=1))
    (late,) = inferring.completions(1)
    assert (late.envelope.id, late.record.code) == ("late", Code.DEADLINE_EXCEEDED)
    gate.touch()
    assert [(event.envelope.id, event.record.code) for event in inferring.completions(2)][1] == ("first", None)


def test_a_conversation_has_one_answer_at_a_time(inferring):
    """Requests of one conversation are answered in their order, although there is room for all at once."""
    inferring.start(SLOW, "0.05", infer_batch="8").wait_ready()
    for number in range(6):
        inferring.ask(str(number), work())
    assert [event.envelope.id for event in inferring.completions(6)] == list(map(str, range(6)))


def test_a_second_process_takes_its_share(inferring):
    """A member that joins costs no answer, and repeats at most the batch that is in the model meanwhile."""
    first = inferring.start(SLOW, "0.5", infer_batch="2")
    first.wait_ready()
    for number in range(12):
        inferring.ask(str(number), work(conversation=f"c{number}"))
    inferring.start(SLOW, "0.1", infer_batch="2").wait_ready()
    inferring.completions(12)
    eventually(lambda: inferring.committed() == 12)
    assert len(inferring.completions(12)) <= 14


def test_a_signal_lets_the_batch_end(inferring):
    """SIGTERM ends the process cleanly once its batch is published and committed; nothing is done twice after."""
    first = inferring.start(SLOW, "0.5", infer_batch="2")
    first.wait_ready()
    for number in range(6):
        inferring.ask(str(number), work(conversation=f"c{number}"))
    inferring.completions(1)
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    assert inferring.committed() == len(inferring.completions(1))
    inferring.start()
    assert len(inferring.completions(6)) == 6


def test_a_model_that_does_not_end_is_cut_off(inferring):
    """SIGTERM ends the process within a bounded time also if the model hangs; its work stays undone."""
    process = inferring.start(SLOW, "600", "0.5")
    process.wait_ready()
    inferring.ask("q", work())
    eventually(lambda: process.metric("weir_infer_running 1.0"))
    process.signal(signal.SIGTERM)
    assert process.wait() == 0
    assert inferring.committed() == 0


def test_a_broker_restart_is_survived(own_broker, namespace, tmp_path):
    """Work is answered again once the broker is back, without a new process."""
    inferring = Inferring(own_broker.bootstrap, namespace, tmp_path)
    try:
        process = inferring.start(SLOW, "0.2")
        process.wait_ready()
        inferring.ask("before", work())
        inferring.completions(1)
        own_broker.kill()
        own_broker.start()
        inferring.ask("after", work())
        assert {event.envelope.id for event in inferring.completions(2)} == {"before", "after"}
        assert len(process.log.splitlines()) < 60  # of hundreds that the library prints meanwhile
    finally:
        inferring.close()


@pytest.mark.weights
def test_a_real_model_answers(inferring):
    """SmolLM2 knows the capital of France, and counts its tokens."""
    directory = load_settings().models_directory
    if any(report.state is not FileState.OK for report in verify(find_entry("smollm2-135m"), directory)):
        pytest.skip("the language model is not in place; run: weir models fetch")
    inferring.ask("france", work("What is the capital of France?", parameters={"max_tokens": 12}))
    inferring.start(model="smollm2-135m", device="cpu").wait_ready()
    (event,) = inferring.completions(1)
    assert "Paris" in event.record.text
    assert event.record.model == "smollm2-135m"
    assert event.record.usage.prompt_tokens > 10
    assert event.record.finish_reason == "stop"
