"""The reviewers' page over the real broker and the real engine."""

import threading
from contextlib import contextmanager

import httpx
import pytest
import uvicorn

from streams.console.admission import Key
from streams.console.service import Console, Reader
from streams.local.ports import choose_port
from streams.metrics import Metrics
from streams.reviews.desk import Tools
from streams.reviews.leases import Leases
from streams.reviews.posting import Post
from streams.store.client import Store
from tests.fixtures.store_side import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.store]


@contextmanager
def served(settings, name="ann"):
    """The console of a reader, in a thread of its own."""
    key, metrics = Key(choose_port()), Metrics()
    with Store.of(settings) as store, Post(settings) as post, Leases(settings, post) as leases:
        tools = Tools(store, post, leases, lambda text: text.replace("Zoe", "<PERSON>"))
        console = Console(settings, tools, Reader(name, "account"), key, metrics)
        server = uvicorn.Server(uvicorn.Config(console.app, port=key.port, log_config=None, ws="none"))
        thread = threading.Thread(target=server.run)
        thread.start()
        eventually(lambda: server.started)
        try:
            yield console
        finally:
            server.should_exit = True
            thread.join(20)


def ask(console, path, body):
    """What the page of that console would ask, with its key."""
    url = f"http://127.0.0.1:{console.key.port}"
    return httpx.post(
        f"{url}/api/{path}", json=body, headers={"origin": url}, cookies={console.key.cookie: console.key.secret},
        timeout=30,
    )  # fmt: skip


def test_faults_are_one_line(settings, store):
    """What the page should not have asked is refused with a reason that names the field; nothing is repeated."""
    with served(settings) as console:
        for path, body, fault in [
            ("label", {"review_id": "ffffffff", "answers": {"pii": True}}, "no review"),
            ("label", {"review_id": "%", "answers": {}}, "review"),
            ("label", {"review_id": "a", "answers": {"Canary 4711": True}}, "answers"),
            ("next", {"kind": "canary-4711"}, "kind"),
            ("unmask", {"review_id": "ffffffff", "reason": ""}, "no review"),
        ]:
            answer = ask(console, path, body)
            assert answer.status_code == 400
            assert fault in answer.json()["error"]
            assert "anary-4711" not in answer.text
        assert ask(console, "label", {"review_id": "a" * 5_000_000}).status_code == 400
        assert ask(console, "nothing", {}).status_code == 404
        assert httpx.get(console.key.url.replace("key=", "key=x")).status_code == 403
