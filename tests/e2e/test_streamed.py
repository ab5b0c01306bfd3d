"""Streamed answers on the real processes, of a model behind HTTP that says, word by word, what it is asked to."""

import json
import os
import shutil
import signal
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

import weir
from models.generation.generator import Answer
from models.generation.noop import SENTENCE
from tests.fixtures.chat_server import ChatServer
from tests.fixtures.later import Later
from tests.fixtures.requester import Requester
from tests.fixtures.stack import LiveStack

openai = Later("openai")

pytestmark = [
    pytest.mark.e2e, pytest.mark.kafka, pytest.mark.store, pytest.mark.weights,
    pytest.mark.timeout(900),
]  # fmt: skip

PROSE = "The harbour is quiet in the morning, and the boats come back one by one with what they have caught at night. "
ANSWERS = {
    "harbour": PROSE * 3,
    "address": PROSE + "Write to zoe.q81@example.org if you want to know more about it, she is there at noon. " + PROSE,
    "key": PROSE * 2 + "The key is AKIAQ3EGRIV5ZK7XTOWM, keep it. " + PROSE * 4,
    "long": PROSE * 10,
}
TRIED = """
id: tried
version: 1
apps: [tried]
response: {toxicity: {flag: 0.5}}
serving: {shadow: {model: noop, share: 1}}
"""


class Scripted:
    """A model that answers by the first word it knows in the question."""

    def generate(self, prompts):
        return [self._answer(prompt.messages[-1].content) for prompt in prompts]

    def _answer(self, question):
        text = next((answer for word, answer in ANSWERS.items() if word in question), PROSE)
        return Answer(text=text, finish_reason="stop", prompt_tokens=3, completion_tokens=len(text.split()))


@pytest.fixture(scope="module")
def server():
    with ChatServer(Scripted()) as running:
        running.pace = 0.03
        yield running


@pytest.fixture(scope="module")
def stack(server, tmp_path_factory):
    policies = tmp_path_factory.mktemp("policies")
    shutil.copy(Path(__file__).parents[2] / "deploy" / "policies" / "public-chatbot.yaml", policies)
    (policies / "tried.yaml").write_text(TRIED)
    more = {
        "WEIR_MODEL_URL": server.url,
        "WEIR_INFER_MODELS": json.dumps({"noop": {"model": "noop"}}),
        "WEIR_POLICIES": str(policies),
    }
    live = LiveStack(tmp_path_factory.mktemp("streamed"), "scripted", more=more)
    live.up()
    yield live
    live.down()


@contextmanager
def reading(stack):
    with Requester(stack.state.bootstrap) as application:
        yield application


def chunks_of(stack, request_id, seconds=120):
    """Every chunk of a request on the topic, by attempt, once one of them has ended."""
    consumer = Consumer({"bootstrap.servers": stack.state.bootstrap, "group.id": "chunks", "log_level": 0})
    numbers = consumer.list_topics("weir.tokens", timeout=60).topics["weir.tokens"].partitions
    consumer.assign([TopicPartition("weir.tokens", number, OFFSET_BEGINNING) for number in numbers])
    found, end = defaultdict(list), time.monotonic() + seconds
    while not any(each["end"] for chunks in found.values() for each in chunks if "end" in each):
        assert time.monotonic() < end, f"no end of {request_id}"
        for message in consumer.consume(500, timeout=0.5):
            body = json.loads(message.value())
            if body["request_id"] == request_id:
                found[body["attempt"]].append(body)
    consumer.close()
    return found


def all_ids(stack, topic):
    """The ids of all events on a topic."""
    config = {"bootstrap.servers": stack.state.bootstrap, "group.id": "ids", "log_level": 0}
    consumer = Consumer({**config, "isolation.level": "read_committed", "enable.partition.eof": True})
    numbers = consumer.list_topics(topic, timeout=60).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in numbers])
    found, ended = [], set()
    while len(ended) < len(numbers):
        for message in consumer.consume(500, timeout=1.0):
            if message.error() is not None:
                ended.add(message.partition())
            else:
                found.append(dict(message.headers())["ce_id"].decode())
    consumer.close()
    return found


def reply_to(stack, request_id):
    with reading(stack) as application:
        stack.until(lambda: application.answered([request_id]))
        (reply,) = application.final(request_id)
    return reply


def ask(stack, text, **more):
    """Ask as OpenAI's client does; the pieces, and the last chunk."""
    with openai.OpenAI(base_url=stack.state.gateway_url, api_key="none", max_retries=0, timeout=180) as client:
        messages = [{"role": "user", "content": text}]
        found = list(client.chat.completions.create(model="default", messages=messages, stream=True, **more))
    pieces = [chunk.choices[0].delta.content for chunk in found if chunk.choices and chunk.choices[0].delta.content]
    return pieces, [chunk for chunk in found if chunk.choices][-1]


def test_openais_client_reads_an_answer_while_it_is_made(stack):
    """It comes in pieces, which are the reply's text; the last chunk has the end and the verdict."""
    pieces, last = ask(stack, "Tell me of the harbour.")
    assert len(pieces) > 1
    assert "".join(pieces) == ANSWERS["harbour"]
    assert (last.choices[0].finish_reason, last.model_extra["weir"]["retracted"]) == ("stop", False)
    assert reply_to(stack, last.id.removeprefix("chatcmpl-"))["text"] == ANSWERS["harbour"]


def test_personal_data_is_never_in_a_chunk(stack):
    """An address in the middle of an answer is a placeholder on the topic, at the client and in the reply."""
    pieces, last = ask(stack, "What is the address?")
    text = ANSWERS["address"].replace("zoe.q81@example.org", "<EMAIL_ADDRESS_1>")
    assert "".join(pieces) == text
    request_id = last.id.removeprefix("chatcmpl-")
    (chunks,) = chunks_of(stack, request_id).values()
    assert "".join(each.get("text", "") for each in chunks) == text == reply_to(stack, request_id)["text"]
    assert "q81" not in json.dumps(chunks)


def test_a_secret_ends_the_stream(stack, server):
    """What comes before it is read, then the policy's refusal; the model is stopped, the reply takes all of it back."""
    left = server.left
    pieces, last = ask(stack, "Where is the key to the shed?")
    assert last.choices[0].finish_reason == "content_filter"
    assert pieces
    assert ANSWERS["key"].startswith("".join(pieces))
    request_id = last.id.removeprefix("chatcmpl-")
    (chunks,) = chunks_of(stack, request_id).values()
    assert "AKIA" not in json.dumps(chunks)
    assert [(each["end"], each["code"]) for each in chunks if each.get("end")] == [("withheld", "BLOCKED")]
    reply = reply_to(stack, request_id)
    assert (reply["status"], reply["code"], reply["stream"]["retracted"]) == ("withheld", "BLOCKED", True)
    assert server.left == left + 1


def test_a_model_on_trial_is_judged_and_never_read(stack):
    """Its answer is in the store beside the one that was read; in no chunk, and in no reply."""
    with weir.Client(stack.state.bootstrap, app="tried") as client:
        stream = client.stream("Tell me of the harbour.")
        assert "".join(piece.text for piece in stream) == ANSWERS["harbour"]
        request_id = stream.reply.request_id
    where = f"source_event_id = '{request_id}'"
    stack.until(lambda: stack.number(f"SELECT count() FROM v_shadows WHERE {where}") == 1)
    (row,) = stack.sql(
        f"SELECT model, shadow_model, response_text, shadow_text, action, shadow_action FROM v_shadows WHERE {where}"
    )
    assert (row["model"], row["shadow_model"]) == ("scripted", "noop")
    assert (row["response_text"], row["shadow_text"]) == (ANSWERS["harbour"], SENTENCE)
    assert (row["action"], row["shadow_action"]) == ("allow", "allow")
    stack.until(lambda: "Nothing is missing" in stack.told("audit"))
    with reading(stack) as application:
        stack.until(lambda: application.answered([request_id]))
        assert [reply["text"] for reply in application.replies[request_id]] == [ANSWERS["harbour"]]
    assert all_ids(stack, "weir.outcomes").count(request_id) == 1


def test_weirs_own_client_reads_pieces(stack):
    """``client.stream`` has the pieces, and then the reply."""
    with weir.Client(stack.state.bootstrap) as client:
        stream = client.stream("Tell me of the harbour.")
        pieces = list(stream)
    assert "".join(piece.text for piece in pieces) == stream.reply.text == ANSWERS["harbour"]
    assert len(pieces) > 1
    assert not any(piece.reset for piece in pieces)


@pytest.mark.parametrize("victim", ["infer-1", "worker-1"])
def test_a_killed_process_costs_no_piece(stack, victim):
    """With kill -9 in mid-stream the client has the whole answer; the reply names an attempt whose chunks it is."""
    killed = False
    with weir.Client(stack.state.bootstrap) as client:
        stream = client.stream("A long one.", request_id=f"killed-{victim}", timeout=240)
        text = ""
        for piece in stream:
            text = piece.text if piece.reset else text + piece.text
            if not killed:
                os.kill(stack.pid(victim), signal.SIGKILL)
                killed = True
    assert text == stream.reply.text == ANSWERS["long"]
    found = chunks_of(stack, f"killed-{victim}")
    named = found[str(stream.reply.stream.attempt)]
    assert "".join(each.get("text", "") for each in named[: stream.reply.stream.chunks]) == text
    assert [each["seq"] for each in named[: stream.reply.stream.chunks]] == list(range(stream.reply.stream.chunks))
    assert all(chunks[0]["reset"] for chunks in found.values())
    assert len(found) == 2
