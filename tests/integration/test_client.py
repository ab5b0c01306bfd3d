"""The Python client against a real broker, with a responder in Weir's place."""

import asyncio
import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewPartitions

import weir
from schemas.policy import Deadlines, PolicyBook
from schemas.topics import REPLIES, REQUESTS, Namespace
from streams.client import exchange
from streams.settings import Settings
from tests.fixtures.responder import APPLICATION_TOPICS, Responder, make_topics
from tests.fixtures.settle_scene import POLICY, SOURCE
from tests.fixtures.settle_side import Installation
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.kafka
HASTY = POLICY.model_copy(update={"deadline": Deadlines(default_seconds=0.5)})


@pytest.fixture(scope="module")
def namespace(bootstrap):
    """The topics that an application sees, in a namespace of this module's own."""
    names = Namespace(f"t{uuid.uuid4().hex[:12]}")
    make_topics(bootstrap, names, partitions=2)
    yield names
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for done in admin.delete_topics([names.of(topic) for topic in APPLICATION_TOPICS]).values():
        done.result(90)


@pytest.fixture(scope="module")
def responder(bootstrap, namespace):
    with Responder(bootstrap, namespace) as running:
        yield running


@pytest.fixture
def installation(bootstrap):
    made = Installation(Settings(kafka_bootstrap=bootstrap, namespace=f"t{uuid.uuid4().hex[:12]}"))
    yield made
    made.close()


@pytest.fixture
def client(responder, bootstrap, namespace):
    with weir.Client(bootstrap, namespace=namespace.prefix) as opened:
        yield opened


def test_an_answer_to_a_question(client, responder):
    """A prompt comes back as a reply; the request is a CloudEvent with the conversation as its key."""
    reply = client.ask("hello there", conversation="c1", user="u", context=["a passage"], max_tokens=5, timeout=90)
    assert (reply.text, reply.status, reply.final) == ("hello there", "delivered", True)
    sent = responder.requests[reply.request_id]
    assert sent["key"] == b"c1"
    assert sent["headers"]["ce_type"] == "weir.request.v1"
    assert sent["headers"]["ce_source"] == reply.request_source
    wanted = {"app": "default", "conversation": "c1", "user": "u", "context": ["a passage"], "deadline": 89_000}
    assert wanted.items() <= sent["body"].items()
    assert sent["body"]["parameters"]["max_tokens"] == 5


@pytest.mark.parametrize(
    "text", ["مرحبا 👋", "a\x00b", "\ud800 alone", "x" * 1_000_000, [{"role": "user", "content": "m"}]]
)
def test_every_text_comes_back(client, text):
    """Any text there is goes there and back unchanged."""
    wanted = text if isinstance(text, str) else "m"
    assert client.ask(text).text == wanted


def test_many_ask_at_once(client):
    """Each of many threads gets its own answer."""
    with ThreadPoolExecutor(32) as pool:
        texts = [f"question {number}" for number in range(500)]
        assert [reply.text for reply in pool.map(client.ask, texts)] == texts


def test_a_refusal_is_an_answer(client):
    """A withheld reply is returned, with its code."""
    assert client.ask("refuse me").code == weir.Code.BLOCKED


def test_held_first(client):
    """A held reply goes to ``on_held``, and the final one is returned; without ``on_held`` it is as well."""
    held = []
    assert client.ask("hold it", on_held=held.append).status == "delivered"
    assert [(reply.status, reply.final) for reply in held] == [("held", False)]
    assert client.ask("hold it").final


def test_no_answer_in_time(client):
    """Silence ends in a TimeoutError that names the request and says whether it is held; the client serves on."""
    with pytest.raises(TimeoutError) as caught:
        client.ask("silence please", request_id="silent", timeout=0.3)
    assert isinstance(caught.value, weir.TimeoutError)
    assert (caught.value.request_id, caught.value.held, caught.value.code) == ("silent", False, weir.Code.UNAVAILABLE)
    assert "please" not in str(caught.value)
    for patience in (2, 10, 50):  # the held reply has to come first, which may take a while
        with pytest.raises(weir.TimeoutError) as caught:
            client.ask("hold-on please", timeout=patience)
        if caught.value.held:
            break
    assert caught.value.held
    assert client.ask("still there").text == "still there"


def test_cancelling(client, responder):
    """A request that is cancelled from another thread ends as Weir says."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.ask, "wait here", request_id="to-cancel")
        eventually(lambda: "to-cancel" in responder.requests)
        client.cancel("to-cancel")
        assert asked.result(90).code == weir.Code.CANCELLED


def test_what_is_aborted_is_not_seen(client):
    """A reply in an aborted transaction is no reply; the committed one that follows is."""
    assert client.ask("abort first").text == "abort first"


def test_others_replies_are_passed_over(client, responder, bootstrap, namespace):
    """Replies to others, to the same id of another source, and what is no reply at all change nothing."""
    producer = Producer({"bootstrap.servers": bootstrap})
    good = {"app": "a", "conversation": "c", "status": "delivered", "final": True, "answered_by": "judge"}
    others = [
        {**good, "request_id": "mine", "request_source": "another", "action": "allow", "text": "wrong"},
        {**good, "request_id": "mine", "request_source": "default", "action": 7},
        {"request_id": ["mine"], "request_source": "default"},
        ["mine"],
        "mine",
    ]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.ask, "wait here", request_id="mine")
        eventually(lambda: "mine" in responder.requests)
        for value in [*map(json.dumps, others), b"\xff", b"", None]:
            producer.produce(namespace.of(REPLIES), value, key=b"k")
        producer.flush(60)
        client.cancel("mine")
        assert asked.result(90).code == weir.Code.CANCELLED


def test_apps_have_their_own_ids(client, responder, bootstrap, namespace):
    """Two apps that give their requests the same id do not read each other's replies."""
    with (
        weir.Client(bootstrap, app="another", namespace=namespace.prefix) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        asked = pool.submit(client.ask, "wait here", request_id="same")
        eventually(lambda: "same" in responder.requests)
        assert other.ask("the other's", request_id="same").text == "the other's"
        client.cancel("same")
        assert asked.result(90).code == weir.Code.CANCELLED


def test_partitions_added_later_are_read(responder, bootstrap, namespace, monkeypatch):
    """Replies in a partition that was added while the client ran are read from its beginning."""
    monkeypatch.setattr(exchange, "_LOOK_SECONDS", 0.1)
    topic = namespace.of(REPLIES)
    producer = Producer({"bootstrap.servers": bootstrap})
    with weir.Client(bootstrap, namespace=namespace.prefix) as client, ThreadPoolExecutor(1) as pool:
        reply = client.ask("before")
        asked = pool.submit(client.ask, "wait here", request_id="later")
        admin = AdminClient({"bootstrap.servers": bootstrap})
        admin.create_partitions([NewPartitions(topic, 3)])[topic].result(90)
        eventually(lambda: len(producer.list_topics(topic).topics[topic].partitions) == 3)
        value = {**reply.model_dump(mode="json"), "request_id": "later", "text": "from the new one"}
        producer.produce(topic, json.dumps(value), partition=2)
        producer.flush(60)
        assert asked.result(90).text == "from the new one"


def test_closing_ends_the_waiting(responder, bootstrap, namespace):
    """Whoever waits when the client is closed is told; asking afterwards is an error, closing twice is none."""
    client = weir.Client(bootstrap, namespace=namespace.prefix)
    client.start()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.ask, "wait here", request_id="one")
        eventually(lambda: "one" in responder.requests)
        client.close()
        with pytest.raises(weir.UnansweredError, match=r"one.*closed"):
            asked.result(90)
    client.close()
    with pytest.raises(weir.UnavailableError, match="not open"):
        client.ask("anyone?")
    assert not [thread for thread in threading.enumerate() if thread.name == "weir-replies"]


def test_too_large(client):
    """A request past the topic's limit is refused by name, and the client serves on."""
    with pytest.raises(weir.UnreadableError) as caught:
        client.ask("x" * 17_000_000)
    assert (caught.value.code, caught.value.field) == (weir.Code.TOO_LARGE, "messages")
    assert client.ask("small").text == "small"


def test_one_id_at_a_time(client, responder):
    """A second request under an id that is waited for is refused, and the first one is still answered."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.ask, "wait here", request_id="twice")
        eventually(lambda: "twice" in responder.requests)
        with pytest.raises(weir.WeirError) as caught:
            client.ask("hello", request_id="twice")
        assert caught.value.code == weir.Code.ID_CONFLICT
        client.cancel("twice")
        assert asked.result(90).code == weir.Code.CANCELLED


def test_with_settle_itself(installation):
    """What the client sends is what settle understands: deadlines, cancellations and outcomes are by the same name."""
    settings = installation.settings
    with (
        installation.settling(PolicyBook([HASTY])),
        weir.Client(settings.kafka_bootstrap, namespace=settings.namespace, source=SOURCE) as client,
        ThreadPoolExecutor(3) as pool,
    ):
        late = pool.submit(client.ask, "late", timeout=None)
        unwanted = pool.submit(client.ask, "unwanted", request_id="unwanted", conversation="c")
        served = pool.submit(client.ask, "served", request_id="served")
        messages = installation.read(REQUESTS, lambda messages: len(messages) == 3)
        message = next(each for each in messages if ("ce_id", b"served") in each.headers)
        client.cancel("unwanted")
        installation.outcome(message, "served", text="an answer")
        assert late.result(90).code == weir.Code.DEADLINE_EXCEEDED
        assert unwanted.result(90).code == weir.Code.CANCELLED
        assert served.result(90).text == "an answer"


def test_no_such_installation(bootstrap):
    """A namespace without topics is named at the start, with the command that makes them."""
    with pytest.raises(weir.ConfigError, match=r"nowhere\.replies.*weir topics create"):
        weir.Client(bootstrap, namespace="nowhere").start()


def test_no_broker(monkeypatch):
    """Without a broker the start fails, naming the address."""
    monkeypatch.setattr(exchange, "_START_SECONDS", 0.5)
    with pytest.raises(weir.UnavailableError, match=r"127\.0\.0\.1:9:"):
        weir.Client("127.0.0.1:9").start()


def test_a_setting_that_does_not_exist():
    """A misspelt Kafka setting is an error at the start that quotes no value."""
    with pytest.raises(weir.ConfigError) as caught:
        weir.Client("127.0.0.1:9", sasl_pasword="hunter2").start()
    assert "hunter2" not in str(caught.value)


async def test_asynchronous(responder, bootstrap, namespace):
    """Many tasks ask at once; holds, timeouts and errors are as without an event loop."""
    async with weir.AsyncClient(bootstrap, namespace=namespace.prefix) as client:
        texts = [f"question {number}" for number in range(200)]
        replies = await asyncio.gather(*map(client.ask, texts))
        assert [reply.text for reply in replies] == texts
        held = []
        assert (await client.ask("hold it", on_held=held.append)).final
        assert len(held) == 1
        with pytest.raises(weir.TimeoutError):
            await client.ask("silence", timeout=0.2)
        with pytest.raises(weir.UnreadableError):
            await client.ask("")
        waiting = asyncio.create_task(client.ask("wait", request_id="async-one"))
        await asyncio.to_thread(eventually, lambda: "async-one" in responder.requests)
        await client.cancel("async-one")
        assert (await waiting).code == weir.Code.CANCELLED


async def test_a_cancelled_task_cancels_its_request(responder, bootstrap, namespace):
    """Who cancels a task that asks saves the model the work."""
    async with weir.AsyncClient(bootstrap, namespace=namespace.prefix, source="s") as client:
        waiting = asyncio.create_task(client.ask("wait", request_id="dropped"))
        await asyncio.to_thread(eventually, lambda: "dropped" in responder.requests)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.to_thread(eventually, lambda: "dropped" in responder.cancelled)


def test_a_broker_that_restarts(own_broker):
    """Through a broker's restart the client reconnects by itself: what is asked meanwhile is answered after it."""
    names = Namespace("restart")
    make_topics(own_broker.bootstrap, names, partitions=1)
    with (
        Responder(own_broker.bootstrap, names) as responder,
        weir.Client(own_broker.bootstrap, namespace="restart") as client,
        ThreadPoolExecutor(2) as pool,
    ):
        assert client.ask("before").text == "before"
        across = pool.submit(client.ask, "wait across", request_id="across", timeout=90)
        eventually(lambda: "across" in responder.requests)
        own_broker.stop()
        meanwhile = pool.submit(client.ask, "meanwhile", timeout=90)
        own_broker.start()
        assert meanwhile.result(90).text == "meanwhile"
        client.cancel("across")
        assert across.result(90).code == weir.Code.CANCELLED
        assert client.ask("after", timeout=60).text == "after"
