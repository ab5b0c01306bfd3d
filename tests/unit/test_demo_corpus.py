"""The demo's traffic: what is in the files, and what the foreign client makes of it."""

import ast
import re
import sys
from collections import Counter
from datetime import UTC, datetime

import pytest

from guards.guard import Passage, Side
from guards.secrets import SecretsGuard
from schemas.codec import EventError, Message, decode
from schemas.conversation import Interaction, Request
from schemas.errors import UnreadableError
from streams.demo.traffic import corpus
from tests.fixtures.demo_client import SCRIPT, client, lines

ARRIVED = datetime(2026, 11, 23, tzinfo=UTC)
CORPUS = lines()
GOOD = [line for line in CORPUS if line["kind"] != "malformed"]
MALFORMED = [line for line in CORPUS if line["kind"] == "malformed"]
KINDS = {
    "clean", "chat", "toxic", "injection", "pii", "secret", "offtopic", "context", "ungrounded", "poisoned",
    "multilingual", "long", "odd", "repeat", "malformed",
}  # fmt: skip


@pytest.fixture(scope="module")
def packer():
    return client().Packer("test")


def read(packer, number, line):
    """The event as Weir reads it, or the error."""
    key, value, headers = packer.pack(number, line)
    model, record = (Request, "request") if line.get("to") == "requests" else (Interaction, "interaction")
    return decode(Message(f"weir.{record}s", 0, number, ARRIVED, key, value, headers), model, record)


def strings(value):
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(item)


def test_the_client_knows_nothing_of_weir():
    """The client imports kafka-python and the standard library only."""
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    roots = {name.split(".")[0] for name in names}
    assert roots - sys.stdlib_module_names == {"kafka"}


def test_there_is_enough_of_everything():
    """At least 300 interactions and 200 requests, of every kind, in every mode, in ten languages or more."""
    interactions = [line for line in GOOD if line.get("to") != "requests"]
    assert len(interactions) >= 300
    assert len(GOOD) - len(interactions) >= 200
    assert {line["kind"] for line in CORPUS} == KINDS
    assert {line.get("mode", "binary") for line in CORPUS} == {"binary", "structured", "bare", "framed", "raw"}
    assert len({line["body"]["lang"] for line in interactions if "lang" in line["body"]}) >= 10


def test_hardly_anything_is_said_twice():
    """No prompt is repeated, but for the event that is sent twice and the questions with two answers."""
    prompts = Counter(str(line["body"].get("prompt")) for line in GOOD if line["kind"] not in {"repeat", "ungrounded"})
    del prompts["None"]
    assert max(prompts.values()) == 1


def test_every_good_line_is_a_record(packer):
    """Weir reads every line that is not malformed, and knows the client's id unless the body came bare."""
    for number, line in enumerate(GOOD):
        event = read(packer, number, line)
        assert event.record.app == line["body"]["app"]
        assert event.envelope.identified == (line.get("mode") != "bare")


@pytest.mark.parametrize("line", MALFORMED, ids=lambda line: line["why"])
def test_a_malformed_line_ends_as_it_says(packer, line):
    """A malformed message has the code that its line names, and is answerable by its id only if it says so."""
    with pytest.raises(UnreadableError) as caught:
        read(packer, 1, line)
    assert caught.value.code == line["code"]
    assert isinstance(caught.value, EventError) == (line["ends"] == "verdict")


def test_two_texts_are_too_long_and_several_are_long(packer):
    """A prompt of each topic is above the public policy's limit of 100,000 characters, others need many windows."""
    longest = [max(len(text) for text in strings(packer._fakes.fill(line["body"]))) for line in GOOD]
    assert sum(length > 100_000 for length in longest) == 2
    assert sum(length > 4_000 for length in longest) >= 5


def test_odd_clocks_and_characters_are_there(packer):
    """Clocks of 1970 and 2099, a NUL, half a surrogate pair and a repeated id reach Weir as they are."""
    events = [read(packer, number, line) for number, line in enumerate(GOOD)]
    assert {1970, 2099} <= {event.envelope.time.year for event in events}
    texts = "".join(message.content for event in events for message in getattr(event.record, "prompt", None) or ())
    assert "\x00" in texts
    assert "\ud83d" in texts
    assert max(Counter(event.envelope.id for event in events).values()) == 2


def test_no_file_holds_a_secret(packer):
    """The secrets guard finds nothing in the files as they are committed, and something once they are filled in."""
    guard = SecretsGuard()
    guard.load()

    def found(texts):
        readings = guard.read([Passage(text, Side.PROMPT) for text in texts], {})
        return sum(bool(reading.hits) for reading in readings)

    assert found([path.read_text(encoding="utf-8") for path in (*corpus(), SCRIPT)]) == 0
    secrets = [line for line in CORPUS if line["kind"] == "secret"]
    assert all(found(strings(packer._fakes.fill(line["body"]))) for line in secrets)


def test_templates_are_all_filled(packer):
    """Nothing that looks like a template is left in what is sent."""
    for line in GOOD:
        assert not any(re.search(r"\{\{|\}\}", text) for text in strings(packer._fakes.fill(line["body"])))
