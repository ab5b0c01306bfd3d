"""The gateway, asked by OpenAI's own client, on a real broker with a responder in Weir's place."""

import asyncio
import json
import socket
import threading
import time
import uuid
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn

from schemas.topics import Namespace
from streams.client.async_client import AsyncClient
from streams.gateway.keys import Keys, read_keys
from streams.gateway.service import Gateway, Terms
from streams.metrics import Metrics
from tests.fixtures.later import Later
from tests.fixtures.responder import Responder, make_topics
from tests.fixtures.waiting import eventually

openai = Later("openai")

pytestmark = pytest.mark.kafka
KEYS = "shop shop-key-0123456789  # the shop's\n\ndefault other-key-0123456789\n"


class Serving:
    """A gateway on a port of its own, in a thread."""

    def __init__(self, bootstrap, names, keys, timeout=90.0):
        self.metrics = Metrics()
        gateway = Gateway(
            Terms(keys, "atlas-7b", timeout), lambda app: AsyncClient(bootstrap, app, names.prefix), self.metrics
        )
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._server = uvicorn.Server(uvicorn.Config(gateway.app, log_config=None, access_log=False))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve([self._socket])))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join(120)
        self._socket.close()

    def client(self, key="shop-key-0123456789"):
        return openai.OpenAI(base_url=self.url, api_key=key, max_retries=0, timeout=120)


@pytest.fixture(scope="module")
def names(bootstrap):
    made = Namespace(f"t{uuid.uuid4().hex[:12]}")
    make_topics(bootstrap, made, partitions=2)
    return made


@pytest.fixture(scope="module")
def responder(bootstrap, names):
    with Responder(bootstrap, names) as running:
        yield running


@pytest.fixture(scope="module")
def serving(bootstrap, names, responder):
    with Serving(bootstrap, names, read_keys(KEYS, "keys", "keys")) as running:
        yield running


@pytest.fixture
def client(serving):
    with serving.client() as opened:
        yield opened


def ask(client, text, **more):
    return client.chat.completions.create(model="default", messages=[{"role": "user", "content": text}], **more)


def test_an_answer(client, responder):
    """The official client reads a completion; its parameters went into the request, of the app whose key it is."""
    answer = ask(
        client, "hello there", max_completion_tokens=5, stop="x", temperature=0.5, seed=7, user="u", n=1,
        extra_body={"conversation": "c-9", "context": ["a passage"]},
    )  # fmt: skip
    (choice,) = answer.choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", "hello there", "stop")
    assert answer.object == "chat.completion"
    body = responder.requests[answer.id.removeprefix("chatcmpl-")]["body"]
    assert (body["app"], body["user"], body["conversation"], body["context"]) == ("shop", "u", "c-9", ["a passage"])
    wanted = {"max_tokens": 5, "stop": ["x"], "temperature": 0.5, "seed": 7}
    assert {name: value for name, value in body["parameters"].items() if value is not None} == wanted
    assert body.get("model") is None


def test_a_key_decides_on_the_app(serving, responder):
    """Another key speaks for another app."""
    with serving.client("other-key-0123456789") as client:
        answer = ask(client, "hello")
    assert responder.requests[answer.id.removeprefix("chatcmpl-")]["body"]["app"] == "default"


@pytest.mark.parametrize("key", ["wrong", "shop-key-012345678", "shop-key-01234567899"])
def test_without_a_key_nothing_is_served(serving, key):
    """A key that is not known is refused, in words that do not repeat it."""
    with serving.client(key) as client, pytest.raises(openai.AuthenticationError) as caught:
        ask(client, "hello")
    assert caught.value.code == "invalid_api_key"
    assert key not in str(caught.value.body)


def test_a_stream(client):
    """A stream is the answer in chunks, with usage where it is wanted, and ends as clients expect."""
    chunks = list(ask(client, "hello there", stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "hello there"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_refusal_is_an_answer(client):
    """What is withheld finishes as `content_filter`, and names the code for those that look."""
    answer = ask(client, "refuse me")
    assert answer.choices[0].finish_reason == "content_filter"
    assert answer.choices[0].message.refusal is not None
    assert answer.model_extra["weir"]["code"] == "BLOCKED"


@pytest.mark.parametrize("text", ["مرحبا 👋", "a\x00b", "x" * 1_000_000])
def test_every_text_comes_back(client, text):
    """Any text there is goes there and back unchanged."""
    assert ask(client, text).choices[0].message.content == text


def test_a_lone_surrogate_comes_back(serving):
    """What UTF-8 cannot hold travels as a JSON escape both ways."""
    body = b'{"model": "default", "messages": [{"role": "user", "content": "\\ud83d alone"}]}'
    headers = {"authorization": "Bearer shop-key-0123456789", "content-type": "application/json"}
    answer = httpx.post(f"{serving.url}/chat/completions", content=body, headers=headers, timeout=120)
    assert answer.json()["choices"][0]["message"]["content"] == "\ud83d alone"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"temperature": 3}, "temperature"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "s"}}}, "response_format.type"),
        ({"extra_body": {"no_such_thing": 1}}, "no_such_thing"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_what_is_not_served_is_refused_by_name(client, more, param):
    """A parameter that would be passed over is an error that names it."""
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "hello", **more)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "empty_message"),
        (b"{oops", 400, "malformed_json"),
        (b"[]", 400, "wrong_type"),
        (b'{"messages": []}', 400, "invalid_field"),
        (b'{"messages": [{"role": "user", "content": "  "}]}', 400, "empty_message"),
        (b'{"messages": [{"role": "user", "content": "' + b"x" * 21_000_000 + b'"}]}', 413, "request_too_large"),
    ],
)
def test_bad_bodies(serving, body, status, code):
    """Each has an error in OpenAI's shape with a code, and the next request is served."""
    headers = {"authorization": "Bearer shop-key-0123456789"}
    answer = httpx.post(f"{serving.url}/chat/completions", content=body, headers=headers, timeout=120)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    with serving.client() as client:
        assert ask(client, "still there").choices[0].message.content == "still there"


def test_models(client):
    """The served model and the free choice are listed; another one is not found."""
    assert {model.id for model in client.models.list()} == {"atlas-7b", "default"}
    assert client.models.retrieve("atlas-7b").id == "atlas-7b"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-99")


def test_what_is_not_there(serving):
    """Other paths are answered in OpenAI's shape too."""
    answer = httpx.get(f"{serving.url}/embeddings", timeout=120)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_url")


def test_no_answer_in_time(bootstrap, names, responder):
    """Silence ends in a time-out that says so, and one that says when a person is to decide."""

    def code(text, patience):
        with (
            Serving(bootstrap, names, Keys({}, open_to="default"), timeout=patience) as serving,
            serving.client() as client,
            pytest.raises(openai.InternalServerError) as caught,
        ):
            ask(client, text)
        assert caught.value.status_code == 504
        return caught.value.code

    assert code("silence please", 1.0) == "timeout"
    # The held reply has to come first, which may take a while.
    assert "held_for_review" in (code("hold-on please", patience) for patience in (2.0, 10.0, 50.0))


def test_hanging_up_cancels(serving, responder):
    """A client that does not wait for its answer has its request cancelled."""
    before, asked = set(responder.cancelled), set(responder.requests)
    body = json.dumps({"model": "default", "messages": [{"role": "user", "content": "wait for it"}]}).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: weir\r\nauthorization: Bearer shop-key-0123456789\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    place = urlsplit(serving.url)
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(head.encode() + body)
        (request_id,) = eventually(lambda: set(responder.requests) - asked)
    eventually(lambda: set(responder.cancelled) - before == {request_id})


def test_answers_are_counted_by_route_and_status(serving, client):
    """The metrics tell routes and statuses, and nothing of what was asked."""
    ask(client, "hello")
    value = serving.metrics.registry.get_sample_value
    assert value("weir_gateway_answers_total", {"route": "/v1/chat/completions", "status": "200"}) >= 1
