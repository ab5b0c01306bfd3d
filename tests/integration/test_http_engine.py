"""A model behind a real HTTP server: what goes over the wire, and what happens when the server does not."""

import time

import pytest

from models.generation.generator import Prompt
from models.generation.noop import SENTENCE
from schemas.conversation import Message
from schemas.errors import Code, ConfigError, UnavailableError
from streams.infer.http_engine import HttpEngine, Server, _retry_after
from tests.fixtures.chat_server import ChatServer
from tests.fixtures.waiting import eventually

PAST = "Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.fixture
def server():
    with ChatServer() as made:
        yield made


@pytest.fixture
def engine(server):
    made = HttpEngine(Server(server.url, "noop", "secret-key"), 4)
    made.load()
    yield made
    made.close()


def ask(engine, text="Hello.", max_tokens=50, **wishes):
    engine.submit(1, Prompt((Message(role="user", content=text),), max_tokens, **wishes))
    return finish(engine)


def finish(engine):
    end = time.monotonic() + 120
    while time.monotonic() < end:
        for done in engine.step():
            return done
    raise AssertionError("it does not end")


def test_a_request_goes_over_the_wire_as_the_standard_has_it(server, engine):
    """Parameters, roles and the key are what any such server takes; texts that JSON cannot hold are made sound."""
    wishes = {"temperature": 0.5, "top_p": 0.9, "stop": ("a", "b", "", "c", "d", "e"), "seed": 2**40 + 5}
    engine.submit(1, Prompt((Message(role="developer", content="Be \ud800 brief."),), 7, **wishes))
    finish(engine)
    (body,) = server.bodies
    assert body["messages"] == [{"role": "system", "content": "Be \ufffd brief."}]
    assert (body["model"], body["max_tokens"], body["temperature"], body["top_p"]) == ("noop", 7, 0.5, 0.9)
    assert (body["stop"], body["seed"], body["stream"]) == (["a", "b", "c", "d"], 5, True)
    assert server.keys == ["Bearer secret-key"]


def test_an_object_is_asked_for_where_it_is_wanted(server, engine):
    """A server that can make its model write JSON is told to, by that request alone."""
    ask(engine, as_json=True)
    ask(engine)
    assert [body.get("response_format") for body in server.bodies] == [{"type": "json_object"}, None]


def test_usage_and_the_end_are_the_servers(engine):
    """The answer says what the server counted, when its first piece came, and why it ended."""
    done = ask(engine, max_tokens=3)
    assert (done.answer.text, done.answer.finish_reason) == (" ".join(SENTENCE.split()[:3]), "length")
    assert (done.answer.prompt_tokens, done.answer.completion_tokens) == (1, 3)
    assert 0 < done.first_token <= done.seconds


@pytest.mark.parametrize(
    "fault", [(503,), (429, {"retry-after": "0.2"}), (500,), (None,)], ids=["503", "429", "500", "broken off"]
)
def test_what_fails_for_a_while_is_tried_again(server, engine, fault):
    """A server that is busy, restarts or breaks off is asked again, and nothing of the first try is left."""
    server.faults.append(fault)
    assert ask(engine).answer.text == SENTENCE
    assert len(server.bodies) == 2


def test_a_server_may_say_when_to_come_again(server, engine):
    """Retry-After is kept to."""
    server.faults.append((429, {"retry-after": "2"}))
    start = time.monotonic()
    assert ask(engine).answer.text == SENTENCE
    assert time.monotonic() - start >= 2


def test_a_server_that_stays_away_is_unavailable(server, engine):
    """After a few attempts the answer says so."""
    server.faults += [(503,)] * 4
    answer = ask(engine).answer
    assert (answer.code, answer.reason) == (Code.UNAVAILABLE, "the model's server answered 503")
    assert len(server.bodies) == 4


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ((400, {}, {"code": "context_length_exceeded", "message": "canary"}), Code.CONTEXT_TOO_LONG),
        ((400, {}, {"message": "This model's maximum context length is 4096 tokens. canary"}), Code.CONTEXT_TOO_LONG),
        ((413,), Code.CONTEXT_TOO_LONG),
        ((400, {}, {"message": "canary"}), Code.MODEL_FAILED),
        ((401,), Code.MODEL_FAILED),
        ((404,), Code.MODEL_FAILED),
    ],
)
def test_a_refusal_has_its_code_and_is_not_tried_again(server, engine, fault, code):
    """What would be refused again is answered at once; what the server says of it is not repeated."""
    server.faults.append(fault)
    answer = ask(engine).answer
    assert answer.code is code
    assert "canary" not in answer.reason
    assert len(server.bodies) == 1


def test_a_deadline_stops_the_server(server, engine):
    """An answer that is late is ended, and says what it took; the server notices that nobody reads on."""
    for patience in (1.5, 10, 60):  # the first word may take a while
        server.pace = patience / 7
        answer = ask(engine, until=time.monotonic() + patience).answer
        assert answer.code == Code.DEADLINE_EXCEEDED
        if answer.completion_tokens:
            break
    assert answer.completion_tokens > 0
    eventually(lambda: server.left == len(server.bodies))


def test_a_cancel_stops_the_server(server, engine):
    """The same with an answer that nobody wants."""
    server.pace = 0.2
    engine.submit(1, Prompt((Message(role="user", content="Hello."),), 50))
    while not server.bodies:
        engine.step()
    engine.cancel(1)
    assert finish(engine).answer.code is Code.CANCELLED
    eventually(lambda: server.left == 1)


def test_no_more_requests_are_made_at_once_than_there_are_slots(server, engine):
    """What is beyond the capacity waits here."""
    server.pace = 0.05
    for ticket in range(9):
        engine.submit(ticket, Prompt((Message(role="user", content="Hello."),), 50))
    while not server.bodies:
        engine.step()
    assert len(server.bodies) <= 4
    done = set()
    while len(done) < 9:
        done |= {each.ticket for each in engine.step()}


@pytest.mark.parametrize(("status", "error"), [(401, ConfigError), (503, UnavailableError)])
def test_a_server_that_refuses_is_told_at_the_start(server, status, error):
    """A wrong key is a fault of the configuration; a server that is down may come up."""
    server.faults.append((status,))
    with pytest.raises(error, match=str(status)):
        HttpEngine(Server(server.url, "noop"), 1).load()


def test_no_server_is_told_at_the_start():
    """Nobody listens."""
    with pytest.raises(UnavailableError) as caught:
        HttpEngine(Server("http://127.0.0.1:9/v1", "noop"), 1).load()
    assert caught.value.field == "WEIR_MODEL_URL"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), ("3", 3.0), ("-3", 0.0), ("nan", None), ("soon", None), ("1e9", 30.0), (PAST, 0.0)],
)
def test_how_long_a_server_asks_to_wait(value, seconds):
    """Numbers and dates are understood, within bounds."""
    assert _retry_after(value) == seconds


def test_the_key_stays_out_of_representations():
    """A server's description does not show the key."""
    assert "secret" not in repr(Server("http://x/v1", "m", "secret"))
