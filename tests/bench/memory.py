"""The inference loop without a broker: work and completions in memory, encoded as on a topic."""

import json
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from models.generation.engine import Engine
from models.generation.generator import Prompt
from schemas.codec import Message, encode
from schemas.conversation import Parameters, Request
from schemas.envelope import Envelope, event_type
from schemas.topics import WORK_INTERACTIVE, Namespace
from schemas.verdict import PolicyReference, Position
from schemas.work import Work
from streams.infer.cancellations import Stop
from streams.infer.desk import Desk, Reply, Served
from streams.infer.driver import Driver
from streams.infer.loop import Inference, Line, Parts
from streams.infer.prompts import Prompts
from streams.infer.scheduler import Scheduler, Terms
from streams.metrics import Metrics

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def work_of(prompt: Prompt, number: int, app: str = "default", seconds: float = 3600.0) -> Message:
    """The prompt as work, as screen writes it."""
    record = Work(
        request=Request(app=app, messages=prompt.messages, parameters=Parameters(max_tokens=prompt.max_tokens)),
        conversation=f"c{number}",
        position=Position(topic="requests", topic_id="t", partition=0, offset=number, time=_NOON),
        digest="d",
        deadline=datetime.now(UTC) + timedelta(seconds=seconds),
        policy=PolicyReference(id="default", version=1, hash="h"),
    )
    envelope = Envelope(id=str(number), source="bench", type=event_type("work"), time=_NOON)
    made = encode(record, envelope, record.conversation)
    topic = Namespace("weir").of(WORK_INTERACTIVE)
    return Message(topic, 0, number, datetime.now(UTC), made.key, made.value, made.headers)


class MemoryFeed:
    """Messages that are there already."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._left = deque(messages)
        self.assigned = True

    def open(self, *_: object) -> None: ...
    def close(self) -> None: ...

    def poll(self, seconds: float) -> Sequence[Message]:
        if not self._left and seconds:
            time.sleep(min(seconds, 0.01))
        return [self._left.popleft() for _ in range(min(256, len(self._left)))]


class MemoryOutbox:
    """Keeps completions, and says when so many are there."""

    def __init__(self, wanted: int) -> None:
        self.replies: list[Reply] = []
        self.enough = threading.Event()
        self._wanted = wanted

    closes = False

    def __len__(self) -> int:
        return 0

    def add(self, reply: Reply) -> None:
        self.replies.append(reply)
        if len(self.replies) >= self._wanted:
            self.enough.set()

    def drop(self, places: object) -> None: ...
    def write(self) -> None: ...
    def close(self) -> None: ...


class NoExpress:
    """Nothing is streamed."""

    def send(self, publications: object) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class NoCancellations:
    """Nobody cancels."""

    def open(self) -> None: ...
    def close(self) -> None: ...
    def poll(self) -> Sequence[Stop]:
        return ()

    def covers(self, key: str) -> bool:
        return False


class Loaded:
    """An engine that is loaded already."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)

    def load(self) -> None: ...
    def close(self) -> None: ...


def serve(engine: Engine, feed: MemoryFeed, outbox: MemoryOutbox) -> None:
    """Run the loop on what the feed brings, until the outbox has enough."""
    topics, metrics, driver = Namespace("weir"), Metrics(), Driver(engine)
    desk = Desk(WORK_INTERACTIVE, topics, Served(engine.name, {engine.name: engine.name}, Prompts(256)), metrics)
    parts = Parts(
        feed=feed,
        driver=driver,
        scheduler=Scheduler(Terms()),
        outbox=outbox,
        express=NoExpress(),
        cancellations=NoCancellations(),
        lines={topics.of(WORK_INTERACTIVE): Line(desk, "interactive")},
        metrics=metrics,
    )
    driver.load()
    Inference(parts, stop_seconds=1.0).run(outbox.enough)


def through_memory(engine: Engine, asked: Sequence[Prompt]) -> list[int]:
    """Answer all of it with the loop, from encoded work to encoded completions; the tokens of each."""
    outbox = MemoryOutbox(len(asked))
    serve(Loaded(engine), MemoryFeed([work_of(prompt, number) for number, prompt in enumerate(asked)]), outbox)
    made = [json.loads(reply.publication.message.value or b"{}") for reply in outbox.replies]
    return [completion.get("usage", {}).get("completion_tokens", 0) for completion in made]
