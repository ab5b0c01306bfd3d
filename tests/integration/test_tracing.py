"""Spans of a request, from the stages' own hands to a receiver of OTLP."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from opentelemetry import trace as api
from opentelemetry.sdk.trace import TracerProvider

from models.generation.engine import Maker
from models.generation.generator import Answer
from schemas.codec import decode
from schemas.envelope import Envelope
from schemas.ids import request_key
from schemas.topics import COMPLETIONS, DRAFTS, OUTCOMES, REQUESTS, WORK_INTERACTIVE
from schemas.work import Work
from streams.infer.desk import Desk, Question, Served
from streams.infer.prompts import Prompts
from streams.metrics import Metrics
from streams.settings import Settings
from streams.settle.counting import trace
from streams.settle.effects import Answered
from streams.settle.step import Consequence
from streams.tracing.application import current_traceparent
from streams.tracing.span import Span, is_wanted, place_of
from streams.tracing.tracer import NoTracer, OtlpTracer, open_tracer
from tests.fixtures.judging import ARRIVED, NAMES, NOW, arriving, caused, loaded, moved_on, policy, surroundings
from tests.fixtures.otlp import OtlpReceiver, attributes
from tests.unit.test_client_unfolding import reply

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
POLICY = policy(prompt={"pii": {"redact": 0.5}}, response={"toxicity": {"flag": 0.5}})


@pytest.fixture
def receiver():
    with OtlpReceiver() as running:
        yield running


def served(receiver, headers, share=1.0):
    """One request through screen, infer, judge and settle, each with a tracer of its own."""
    settings = Settings(otlp_url=receiver.url, trace_share=share)
    tracers = {name: open_tracer(settings, name) for name in ("worker", "infer", "settle")}
    given = replace(surroundings(POLICY), tracer=tracers["worker"])
    body = {"app": "shop", "messages": [{"role": "user", "content": "I am Ann, a canary-4711."}]}
    work = caused(loaded("screen", given), arriving(REQUESTS, body, headers)).all(WORK_INTERACTIVE)[0]
    desk = Desk(
        WORK_INTERACTIVE, NAMES, Served("m-1", {"m-1": "m-1"}, Prompts(9)), Metrics(), tracers["infer"]
    )  # fmt: skip
    message = moved_on(work)
    asked = decode(message, Work, WORK_INTERACTIVE.type_name)
    question = Question(message, asked, "k", Prompts(9).make(asked, datetime.now(UTC)))
    answer = Answer(text="canary-4712 is bad", finish_reason="stop", prompt_tokens=5, completion_tokens=3)
    completion = desk.answer(question, answer, 0.5, by=Maker("m-1", "m-1@2", "continuous")).publication
    assert completion.topic in {NAMES.of(COMPLETIONS), NAMES.of(DRAFTS)}
    event = caused(loaded("judge", given), moved_on(completion)).event(OUTCOMES)
    said = reply("canary-4712", position=event.record.position, model="m-1", answered_by="judge")
    said = said.model_copy(update={"request_id": event.envelope.id, "request_source": event.envelope.source})
    trace(tracers["settle"], [Consequence(Answered(said, event.envelope))], datetime.now(UTC))
    for tracer in tracers.values():
        tracer.close()


def test_a_request_is_one_trace(receiver):
    """Every stage's span hangs below the request's, and that below the application's own; names are the field's."""
    headers = [("ce_id", b"q-1"), ("ce_source", b"shop"), ("traceparent", f"00-{TRACE}-{PARENT}-01".encode())]
    served(receiver, headers)
    spans = receiver.trace(TRACE)
    assert spans.keys() == {"guard screen", "chat m-1", "guard judge", "weir request"}
    root = spans.pop("weir request")
    assert root.parent_span_id.hex() == PARENT
    assert {span.parent_span_id for span in spans.values()} == {root.span_id}
    assert {name for name, _ in receiver.spans} == {"weir-worker", "weir-infer", "weir-settle"}
    chat = attributes(spans["chat m-1"])
    assert (chat["gen_ai.operation.name"], chat["gen_ai.response.model"]) == ("chat", "m-1@2")
    assert (chat["gen_ai.usage.input_tokens"], chat["gen_ai.usage.output_tokens"]) == (5, 3)
    assert chat["gen_ai.response.finish_reasons"] == ["stop"]
    assert spans["chat m-1"].end_time_unix_nano - spans["chat m-1"].start_time_unix_nano == pytest.approx(5e8, rel=0.1)
    guard = attributes(spans["guard judge"])
    assert (guard["gen_ai.guardrail.policy.id"], guard["gen_ai.guardrail.result.type"]) == ("p", "flag")
    assert (guard["gen_ai.guardrail.risk.category"], guard["gen_ai.conversation.id"]) == ("toxicity", "c-1")
    (event,) = spans["guard judge"].events
    assert attributes(event)["gen_ai.evaluation.score.value"] == pytest.approx(0.9)
    assert "canary" not in str(receiver.spans)


def test_a_streamed_answer_is_in_the_trace_of_its_request(receiver):
    """The stage that releases it tells what went in and out, from first draft to last chunk, and how it ended."""
    tracer = open_tracer(Settings(otlp_url=receiver.url), "worker")
    given = replace(surroundings(POLICY), tracer=tracer)
    headers = [("ce_id", b"q-4"), ("ce_source", b"shop"), ("traceparent", f"00-{TRACE}-{PARENT}-01".encode())]
    question = {"app": "shop", "messages": [{"role": "user", "content": "Who?"}], "parameters": {"stream": True}}
    work = caused(loaded("screen", given), arriving(REQUESTS, question, headers)).record(WORK_INTERACTIVE)
    carried, attempt = work.model_dump(mode="json"), str(UUID(int=7))
    end = {"work": carried, "text": "canary-4711 it is. ", "finish_reason": "stop"}
    drafts = [
        {"attempt": attempt, "seq": 0, "text": "canary-4711 ", "work": carried},
        {"attempt": attempt, "seq": 1, "text": "it is. ", "completion": end},
    ]
    stage = loaded("stream", given)
    for number, draft in enumerate(drafts):
        stage.process([arriving(DRAFTS, draft, headers, number)])
    tracer.close()
    span = receiver.trace(TRACE)["guard stream"]
    screen = receiver.trace(TRACE)["guard screen"]
    assert span.parent_span_id == screen.parent_span_id
    told = attributes(span)
    assert (told["weir.stream.drafts"], told["weir.stream.chunks"], told["weir.stream.end"]) == (2, 1, "stop")
    assert told["weir.stream.attempt"] == attempt
    assert told["weir.stream.first.seconds"] == (NOW - ARRIVED).total_seconds()
    assert span.end_time_unix_nano - span.start_time_unix_nano == (NOW - ARRIVED).total_seconds() * 1e9
    assert "canary" not in str(receiver.spans)


def test_without_a_producers_trace_one_is_derived(receiver):
    """Stages agree on a trace that follows from the request's identity; its root has no parent."""
    served(receiver, [("ce_id", b"q-2"), ("ce_source", b"shop")])
    spans = receiver.trace(request_key("shop", "q-2").replace("-", ""))
    assert len(spans) == 4
    assert spans["weir request"].parent_span_id == b""


@pytest.mark.parametrize("headers", [[("traceparent", f"00-{TRACE}-{PARENT}-00".encode())], []])
def test_what_is_not_sampled_is_not_told(receiver, headers):
    """A producer that does not sample its trace, or a share of nothing, leaves no span."""
    served(receiver, [("ce_id", b"q-3"), ("ce_source", b"shop"), *headers], share=0.0)
    assert receiver.spans == []


def test_nobody_pays_for_what_is_off():
    """Without a receiver there is no tracer, and no span is made."""

    def make() -> Span:
        raise AssertionError("made for nobody")

    tracer = open_tracer(Settings(otlp_url=None), "worker")
    assert isinstance(tracer, NoTracer)
    tracer.record(None, make)


def test_all_processes_sample_the_same_share():
    """The share is kept, within four standard errors, and what a smaller share keeps a larger one keeps."""
    sampler = OtlpTracer(Settings(otlp_url="http://127.0.0.1:1"), "worker")._sampler
    asked = [Envelope(id=f"q-{n}", source="s", type="weir.request.v1", time=datetime.now(UTC)) for n in range(4_000)]
    kept = {share: {each.id for each in asked if is_wanted(each, sampler, share)} for share in (0.1, 0.3)}
    assert kept[0.1] < kept[0.3]
    assert abs(len(kept[0.1]) - 400) < 4 * (4_000 * 0.1 * 0.9) ** 0.5


def test_a_receiver_that_is_away_costs_nothing_but_the_spans():
    """Recording never raises, and closing ends soon."""
    tracer = OtlpTracer(Settings(otlp_url="http://127.0.0.1:1"), "worker")
    now = datetime.now(UTC)
    request = Envelope(id="q", source="s", type="weir.request.v1", time=now)
    tracer.record(request, lambda: Span("n", now, now))
    tracer.close()


def test_the_client_goes_on_with_the_applications_trace():
    """Inside a span of the application its place is what the request carries; outside of one there is none."""
    assert current_traceparent() is None
    provider = TracerProvider()
    with api.use_span(provider.get_tracer("app").start_span("ask")) as span:
        found = span.get_span_context()
        assert current_traceparent() == f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"


def test_places_are_the_same_everywhere():
    """The root of a request has one place; steps have places of their own."""
    now = datetime.now(UTC)
    request = Envelope(id="q", source="s", type="weir.request.v1", time=now)
    root = place_of(Span("weir request", now, now, root=True), request)
    steps = [place_of(Span(name, now, now), request) for name in ("a", "b")]
    assert root.parent is None
    assert {step.parent for step in steps} == {root.span}
    assert len({root.span, *(step.span for step in steps)}) == 3
