"""How requests fare in a crowd: at loads around capacity, beside an app that floods, and streamed through the guards.

The model is a server on loopback that writes a word every so often, whatever else it writes: its capacity is known, and
what is measured is what stands around it, on a real broker. Times are the broker's own.
"""

import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from guards.piecewise import LOOK_AHEAD
from models.generation.generator import Answer, Prompt
from schemas.codec import Message, decode, encode
from schemas.conversation import Message as Turn
from schemas.conversation import Parameters, Request
from schemas.envelope import Envelope, event_type
from schemas.stream import Chunk, Draft
from schemas.topics import COMPLETIONS, DRAFTS, TOKENS, WORK_INTERACTIVE, Topic
from schemas.verdict import PolicyReference, Position
from schemas.work import Work
from streams.kafka.received import received_message
from streams.settings import Settings, child_environment
from tests.bench.arrivals import CAPACITY, DEADLINE, LENGTHS, LOADS, PACE, PATIENCE, SLOTS
from tests.bench.figure import Figure
from tests.bench.inference import broker, wait_ready
from tests.fixtures.chat_server import ChatServer

_SECONDS = 30.0
_STREAMS = 12
_LONG_WORDS = 150
_TOKEN = 5  # characters of a word with its space, and about those of a token


class Words:
    """Answers of as many words as they may have tokens."""

    def generate(self, prompts: Sequence[Prompt]) -> list[Answer]:
        return [self._answer(prompt.max_tokens) for prompt in prompts]

    def _answer(self, count: int) -> Answer:
        words = ["and", "the", "boats", "come", "back", "one", "by", "one", "with", "what", "they", "have"]
        text = " ".join(words[n % len(words)] for n in range(count))
        return Answer(text=text, finish_reason="stop", prompt_tokens=8, completion_tokens=len(text.split()))


def serving_figures() -> list[Figure]:
    """requests around capacity, beside a flood, and streamed"""
    with (
        tempfile.TemporaryDirectory(prefix="weir-bench-") as directory,
        ChatServer(Words()) as server,
        broker(Path(directory)) as settings,
    ):
        server.pace = PACE
        with _process(settings, "infer", model="words", model_url=server.url, infer_batch=str(SLOTS)):
            with _process(settings, "worker"):
                streamed = _streamed(settings)
            found = [figure for load in LOADS for figure in _poisson(settings, load)]
            found += _flood(settings)
    return [*found, *streamed]


@contextmanager
def _process(settings: Settings, command: str, **changes: str) -> Iterator[None]:
    environment = child_environment(
        kafka_bootstrap=str(settings.kafka_bootstrap), namespace=settings.namespace, log_format="json", **changes
    )
    log = settings.home / f"{command}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen([sys.executable, "-m", "streams.cli", command], env=environment, stderr=errors)
    try:
        wait_ready(log)
        yield
    finally:
        process.terminate()
        process.wait(60)


@dataclass(frozen=True)
class _Plan:
    """A request: when it is sent, for whom, and how many words its answer has."""

    at: float
    app: str
    words: int


def _arrivals(rate: float, app: str, seed: int, seconds: float = _SECONDS) -> list[_Plan]:
    rng, at, found = random.Random(seed), 0.0, []
    while (at := at + rng.expovariate(rate)) < seconds:
        found.append(_Plan(at, app, rng.choice(LENGTHS)))
    return found


def _send(settings: Settings, plans: Sequence[_Plan], run: str, *, deadline: float, stream: bool) -> dict[str, _Plan]:
    """Send each at its time, whatever comes back; by their ids."""
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "linger.ms": 0})
    start, sent = time.monotonic(), {}
    for number, plan in enumerate(sorted(plans, key=lambda plan: plan.at)):
        time.sleep(max(0.0, start + plan.at - time.monotonic()))
        name = f"{run}-{number}"
        now = datetime.now(UTC)
        wishes = Parameters(stream=stream, max_tokens=plan.words)
        request = Request(app=plan.app, messages=(Turn(role="user", content="Write."),), parameters=wishes)
        work = Work(
            request=request,
            conversation=name,
            position=Position(topic="requests", topic_id="t", partition=0, offset=number, time=now),
            digest="d",
            deadline=now + timedelta(seconds=deadline),
            policy=PolicyReference(id="public-chatbot", version=1, hash="h"),
        )
        message = encode(work, Envelope(id=name, source="bench", type=event_type("work"), time=now), name)
        topic = settings.topics.of(WORK_INTERACTIVE)
        producer.produce(topic, message.value, message.key, headers=list(message.headers))
        producer.poll(0)
        sent[name] = plan
    producer.flush()
    return sent


def _all(settings: Settings, topic: Topic, run: str) -> list[Message]:
    """What stands in a topic of this run."""
    config = {"bootstrap.servers": settings.kafka_bootstrap, "group.id": "bench-serving", "enable.auto.commit": False}
    consumer = Consumer({**config, "isolation.level": "read_committed", "enable.partition.eof": True})
    name, found, ended = settings.topics.of(topic), [], set()
    consumer.assign([TopicPartition(name, number, OFFSET_BEGINNING) for number in range(topic.partitions)])
    while len(ended) < topic.partitions:
        received = consumer.poll(1.0)
        if received is None:
            continue
        if received.error() is not None:
            ended.add(received.partition())
            continue
        message = received_message(received)
        if topic is TOKENS or _identity(message).startswith(f"{run}-"):
            found.append(message)
    consumer.close()
    return found


def _identity(message: Message) -> str:
    return (dict(message.headers)["ce_id"] or b"").decode()


def _asked(settings: Settings, run: str) -> dict[str, datetime]:
    """When each request came to the broker."""
    return {_identity(each): each.timestamp for each in _all(settings, WORK_INTERACTIVE, run)}


def _poisson(settings: Settings, load: float) -> list[Figure]:
    """Streamed requests at a share of capacity: first drafts, and who was answered in time."""
    run = f"load{load:g}"
    sent = _send(settings, _arrivals(load * CAPACITY, "a", 3), run, deadline=DEADLINE, stream=True)
    time.sleep(DEADLINE + 1.5)  # by then all of it has ended
    asked, first, good = _asked(settings, run), {}, 0
    for message in _all(settings, DRAFTS, run):
        draft = decode(message, Draft, DRAFTS.type_name).record
        taken = (message.timestamp - asked[_identity(message)]).total_seconds()
        first.setdefault(_identity(message), taken)
        good += draft.completion is not None and draft.completion.code is None
    waits, name = list(first.values()), f"open loop at {load:.0%} of capacity"
    return [
        Figure(f"{name}: first token, p50", 1000 * _quantile(waits, 50), "ms"),
        Figure(f"{name}: first token, p99", 1000 * _quantile(waits, 99), "ms"),
        Figure(f"{name}: answered within {DEADLINE:g} s", 100 * good / len(sent), "%"),
    ]


def _flood(settings: Settings) -> list[Figure]:
    """The p99 of an app that asks now and then: by itself, beside one that takes the rest, and beside a flood."""
    steady, found = CAPACITY / 8, {}
    for name, other in (("alone", 0.0), ("full", CAPACITY - steady), ("flood", 3 * CAPACITY)):
        plans = _arrivals(steady, "steady", 5, 2 * _SECONDS)
        plans += _arrivals(other, "other", 6, 2 * _SECONDS) if other else []
        sent = _send(settings, plans, name, deadline=PATIENCE, stream=False)
        asked, ended = _asked(settings, name), {}
        while len(ended) < len(sent):  # the flood has to be over before the next run
            time.sleep(1.0)
            ended = {_identity(each): each.timestamp for each in _all(settings, COMPLETIONS, name)}
        mine = (request for request, plan in sent.items() if plan.app == "steady")
        found[name] = _quantile([(ended[each] - asked[each]).total_seconds() for each in mine], 99)
    alone = Figure("fairness: p99 of an app by itself", 1000 * found["alone"], "ms")
    full = Figure("fairness: p99 of an app, all slots wanted", 1000 * found["full"], "ms").against(alone)
    return [alone, full, Figure("fairness: the same beside a flood", 1000 * found["flood"], "ms").against(full)]


def _streamed(settings: Settings) -> list[Figure]:
    """From the draft that has a token to the chunk that has it, and how long of that its look-ahead is awaited."""
    plans = [_Plan(number * 1.0, "default", _LONG_WORDS) for number in range(_STREAMS)]
    _send(settings, plans, "streamed", deadline=60.0, stream=True)
    time.sleep(_LONG_WORDS * PACE + 3)
    made: dict[str, list[tuple[int, datetime]]] = defaultdict(list)
    for message in _all(settings, DRAFTS, "streamed"):
        draft = decode(message, Draft, DRAFTS.type_name).record
        known = made[str(draft.attempt)]
        known.append(((known[-1][0] if known else 0) + len(draft.text), message.timestamp))
    delays: list[float] = []
    places: dict[str, int] = defaultdict(int)
    for message in _all(settings, TOKENS, "streamed"):
        chunk = decode(message, Chunk, TOKENS.type_name).record
        key, start = str(chunk.attempt), places[str(chunk.attempt)]
        assert key in made, "a chunk of an attempt that was not drafted"
        places[key] = start + len(chunk.text)
        for place in range(start, places[key], _TOKEN):
            at = next((at for end, at in made[key] if end > place), message.timestamp)
            delays.append((message.timestamp - at).total_seconds())
    return [
        Figure("stream: from a token's draft to its chunk, p50", 1000 * _quantile(delays, 50), "ms"),
        Figure("stream: from a token's draft to its chunk, p99", 1000 * _quantile(delays, 99), "ms"),
        Figure("stream: of it the look-ahead, at this pace", 1000 * LOOK_AHEAD / _TOKEN * PACE, "ms"),
    ]


def _quantile(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]
