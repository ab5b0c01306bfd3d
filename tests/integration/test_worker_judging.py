"""Requests through a real worker and back: screen, a gateway that answers, judge."""

import json
import signal

import pytest
from confluent_kafka import Producer

from schemas.dead_letter import read_reason
from schemas.topics import (
    COMPLETIONS,
    FEEDBACK,
    FORGOTTEN,
    INTERACTIONS,
    OPINIONS,
    OUTCOMES,
    POLICIES,
    REQUESTS,
    REVIEWS,
    SAMPLING,
    VAULT,
    VERDICTS,
    WORK_BULK,
    WORK_INTERACTIVE,
    dead_letters,
)
from streams.vault.key_source import new_key
from tests.fixtures.echo_flow import BIG, Flow
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.kafka

TOPICS = (
    REQUESTS, WORK_INTERACTIVE, WORK_BULK, COMPLETIONS, OUTCOMES, REVIEWS, VAULT, POLICIES, FORGOTTEN, SAMPLING,
    VERDICTS, INTERACTIONS, FEEDBACK, OPINIONS, *map(dead_letters, (REQUESTS, COMPLETIONS, INTERACTIONS, FEEDBACK)),
)  # fmt: skip
POLICY = """
id: p
version: 1
apps: [shop]
prompt: {toxicity: {hold: 0.5}, pii: {redact: 0.5}}
response: {toxicity: {block: 0.5}, pii: {redact: 0.5}}
retention: {days: 30}
"""


class Served(Flow):
    """Requests in, outcomes out, and a gateway in between that says the prompt again."""

    def __init__(self, bootstrap, directory, program="tests.fixtures.judging_worker"):
        super().__init__(bootstrap, directory, program, TOPICS)
        self._policy = directory / "policy.yaml"
        self._policy.write_text(POLICY)
        self._key = new_key()
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "linger.ms": 5, "enable.idempotence": True, "log_level": 0, **BIG}
        )

    def start(self, *options):
        return self.worker(*options, policies=str(self._policy), vault_key=self._key, batch_size="8")

    def send(self, topic, value, headers, key="c"):
        self._producer.produce(self.namespace.of(topic), value, key=key, headers=headers)

    def ask(self, **texts):
        for name, text in texts.items():
            body = {"app": "shop", "messages": [{"role": "user", "content": text}]}
            self.send(REQUESTS, json.dumps(body), [("ce_id", name.encode()), ("ce_source", b"s")])
        assert self._producer.flush(60) == 0

    def answer(self, work):
        """Send a completion for each message of ``work``, as any gateway would."""
        for message in work:
            body = json.loads(message.value())
            text = body["request"]["messages"][-1]["content"]
            headers = [pair for pair in message.headers() if pair[0] != "ce_type"]
            self.send(COMPLETIONS, json.dumps({"work": body, "text": f"You said: {text}"}), headers, message.key())
        assert self._producer.flush(60) == 0

    def records(self, topic, count):
        """The first ``count`` records of a topic by the id of their event."""
        found = self.read(topic, count)
        return {dict(message.headers())["ce_id"].decode(): json.loads(message.value()) for message in found}


@pytest.fixture
def served(bootstrap, tmp_path):
    served = Served(bootstrap, tmp_path)
    yield served
    served.close()


def test_requests_go_to_the_model_and_come_back_judged(served):
    """Each kind of request takes its way through the agents of one worker, and each topic gets what it should."""
    worker = served.start()
    served.ask(plain="fine", personal="I am Ann", awkward="bad Ann")
    served.send(REQUESTS, b"{", [("ce_id", b"broken"), ("ce_source", b"s")])
    served.send(REQUESTS, b"{", [])
    served.answer(served.read(WORK_INTERACTIVE, 2))
    outcomes = served.records(OUTCOMES, 4)
    assert {name: (outcome["stage"], outcome["status"]) for name, outcome in outcomes.items()} == {
        "plain": ("judge", "delivered"),
        "personal": ("judge", "delivered"),
        "awkward": ("screen", "held"),
        "broken": ("screen", "error"),
    }
    assert outcomes["personal"]["text"] == "You said: I am Ann"  # put back: the gateway saw a placeholder
    assert outcomes["awkward"]["work"]["request"]["messages"][0]["content"] == "bad <NAME_1>"
    (review,) = served.records(REVIEWS, 1).values()
    assert (review["judgement"]["prompt"]["text"], review["keep_days"]) == ("bad <NAME>", 30)
    verdicts = [json.loads(message.value()) for message in served.read(VERDICTS, 6)]  # four of screen, two of judge
    # Nobody can tell whose policy an unreadable request falls under, and it has no text.
    assert sorted((each.get("keep_days") or 0, each["app"]) for each in verdicts) == [
        (0, "unknown"),
        *[(30, "shop")] * 5,
    ]
    assert len(served.read(VAULT, 3)) == 4  # two entries, and each time the one data key
    (letter,) = served.read(dead_letters(REQUESTS), 1)
    assert read_reason(letter.headers()).code == "MALFORMED_JSON"
    for topic in (WORK_INTERACTIVE, REVIEWS, VERDICTS, VAULT):
        assert all(b"Ann" not in message.value() for message in served.read(topic, 1))
    assert "Ann" not in worker.log


def test_feedback_is_kept_masked(served):
    """A comment loses its names before it is kept; what says nothing is a dead letter, by its field."""
    worker = served.start()
    said = {"app": "shop", "request_id": "r1", "thumb": "down", "comment": "bad, I am Ann"}
    served.send(FEEDBACK, json.dumps(said), [("ce_id", b"f1"), ("ce_source", b"s")])
    served.send(FEEDBACK, json.dumps({"app": "shop", "request_id": "Ann"}), [("ce_id", b"f2"), ("ce_source", b"s")])
    assert served._producer.flush(60) == 0
    (opinion,) = served.records(OPINIONS, 1).values()
    assert (opinion["about_id"], opinion["sentiment"], opinion["comment"]["text"]) == (
        "r1",
        "negative",
        "bad, I am <NAME>",
    )
    (letter,) = served.read(dead_letters(FEEDBACK), 1)
    assert read_reason(letter.headers()).code == "EMPTY_MESSAGE"
    assert "Ann" not in worker.log


def test_a_killed_worker_answers_for_everything(served):
    """With kill -9 in the middle of it, every request has work and an outcome, some of them twice but alike."""
    names = {f"r{number}" for number in range(200)}
    first, second = served.start(), served.start()
    first.wait_ready()
    second.wait_ready()
    served.ask(**dict.fromkeys(names, "I am Ann"))
    served.read(VERDICTS, 20)
    first.signal(signal.SIGKILL)
    work = served.read(WORK_INTERACTIVE, len(names))
    assert {dict(message.headers())["ce_id"].decode() for message in work} == names
    served.answer(work)
    outcomes = served.records(OUTCOMES, len(names))
    assert outcomes.keys() == names
    assert {(outcome["status"], outcome["text"]) for outcome in outcomes.values()} == {
        ("delivered", "You said: I am Ann")
    }


@pytest.mark.weights
def test_the_shipped_worker_follows_the_policies_of_the_topic(bootstrap, tmp_path, models_dir):
    """`weir worker` judges with the real guards, and by a new version from the moment that it is in force."""
    served = Served(bootstrap, tmp_path, "streams.cli")
    try:
        worker = served.start("worker")
        served.ask(before="Write to zoe.q81@example.org")
        (work,) = served.read(WORK_INTERACTIVE, 1)
        assert json.loads(work.value())["request"]["messages"][0]["content"] == "Write to <EMAIL_ADDRESS_1>"
        stricter = {"id": "p", "version": 2, "apps": ["shop"], "prompt": {"pii": {"block": 0.5}}}
        release = {"current": stricter, "changed_at": "2026-01-01T00:00:00Z", "changed_by": "tests"}
        served.send(POLICIES, json.dumps(release), [], key="p")
        served.ask()
        eventually(lambda: '"policy changed"' in worker.log)
        served.ask(after="Write to zoe.q81@example.org")
        (outcome,) = served.records(OUTCOMES, 1).values()
        assert (outcome["status"], outcome["policy"]["version"]) == ("withheld", 2)
        assert "zoe" not in worker.log
    finally:
        served.close()
