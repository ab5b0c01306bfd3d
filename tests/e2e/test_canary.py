"""Secrets that are sent in by every way must be found nowhere but in Kafka's raw topics."""

import json
import urllib.request
from contextlib import closing

import pytest

pytestmark = [
    pytest.mark.e2e, pytest.mark.kafka, pytest.mark.store, pytest.mark.weights,
    pytest.mark.timeout(300), pytest.mark.xdist_group("stack"),
]  # fmt: skip

WORD = "qzxCanary"  # what is unreadable may hold anything: no trace of it may be left
PEOPLE = {
    "prompt": "canary.prompt@qzxmail.org",
    "response": "canary.response@qzxmail.org",
    "context": "canary.context@qzxmail.org",
    "message": "canary.message@qzxmail.org",
    "system": "canary.system@qzxmail.org",
}
CARD = "4111 1111 1111 1111"
TOKEN = "ghp_" + "qzxC4n4ryT0k3nAbCdEf0123456789ABCDEF"


def events():
    """Messages by topic: (value, key, headers)."""
    talk = {
        "app": "default",
        "prompt": f"I am {PEOPLE['prompt']}, card {CARD}",
        "response": f"Ask {PEOPLE['response']} with {TOKEN}",
        "context": [f"Write to {PEOPLE['context']}", f"token {TOKEN}"],
    }
    request = {
        "app": "default",
        "messages": [
            {"role": "system", "content": f"Owner: {PEOPLE['system']}"},
            {"role": "user", "content": f"Mail {PEOPLE['message']} my key {TOKEN}"},
        ],
    }
    word = WORD.encode()
    yield "weir.interactions", json.dumps(talk).encode(), b"k", []
    yield "weir.requests", json.dumps(request).encode(), b"k", []
    yield "weir.interactions", word, word, []
    yield "weir.interactions", b'{"app": "' + word, word, [("x-user", word)]
    yield "weir.interactions", b'{"app": 5, "prompt": "' + word + b'"}', word, []
    yield "weir.interactions", b'{"app": "default", "prompt": [{"role": "' + word + b'", "content": "x"}]}', word, []
    yield "weir.interactions", b'{"app": "default", "' + word + b'": 1}', word, [("ce_time", word)]
    yield "weir.interactions", b"{}", word, [("ce_type", word)]
    yield "weir.interactions", b"{}", word, [("ce_specversion", word)]
    yield "weir.interactions", b"{}", word, [("ce_id", word * 600)]
    yield "weir.requests", b'{"app": "default", "messages": "' + word + b'"}', word, []
    yield "weir.requests", b'{"app": "default", "messages": [], "deadline": "' + word + b'"}', word, []
    huge = {"app": "default", "prompt": WORD * 30_000, "response": "fine"}
    yield "weir.interactions", json.dumps(huge).encode(), b"k", []
    unknown = {"app": "who", "prompt": WORD}
    yield "weir.interactions", json.dumps(unknown).encode(), b"k", []


@pytest.fixture(scope="module")
def places(stack):
    """Everything that can be looked at after the canaries went through, by name."""
    with closing(stack.producer()) as producer:
        sent = [producer.send(topic, value, key=key, headers=headers) for topic, value, key, headers in events()]
        for delivery in sent:
            delivery.get(30)
    stack.until(lambda: stack.number("SELECT count() FROM v_ledger") >= len(sent))
    found = {f"log {log.name}": log.read_text(errors="replace") for log in (stack.home / "logs").glob("*")}
    for name, url in stack.state.metrics_urls.items():
        found[f"metrics of {name}"] = urllib.request.urlopen(url, timeout=5).read().decode()
    for table in ("verdicts", "dead_letters", "ledger"):
        found[f"table {table}"] = json.dumps(stack.sql(f"SELECT * FROM {table}"))
    for topic in ("verdicts", "interactions", "requests"):
        found[f"tail {topic}"] = stack.weir("tail", topic, "-n", "1000", "--no-follow", "--json")
    found["dlq list"] = stack.weir("dlq", "list")
    found["audit"] = stack.weir("audit", "--json")
    found["status"] = stack.weir("status", "--json")
    return found


def test_personal_data_and_secrets_are_masked_everywhere(places):
    """What the guards know as personal data or secrets is in no log, table, metric, listing or masked tail."""
    canaries = [*PEOPLE.values(), CARD, TOKEN]
    hits = [(place, canary) for place, text in places.items() for canary in canaries if canary in text]
    assert hits == []


def test_unreadable_messages_leave_no_trace(places):
    """No word of a message that could not be read is in a log, table, metric, error or listing."""
    tails = {"tail interactions", "tail requests"}  # these show what is in the raw topics, masked
    hits = [place for place, text in places.items() if WORD in text and place not in tails]
    assert hits == []


def test_the_canaries_went_through(places):
    """The search above is not empty: masked verdicts and dead letters are where it looked."""
    assert "<EMAIL_ADDRESS>" in places["table verdicts"]
    assert "MALFORMED_JSON" in places["table dead_letters"]
    assert "<EMAIL_ADDRESS>" in places["tail interactions"]
