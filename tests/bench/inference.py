"""How fast requests are answered through a topic, against the same engine asked directly and against simpler ways."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from confluent_kafka import Consumer, Producer

from models.generation.engine import Engine
from models.generation.generator import Answer, Prompt
from schemas.codec import decode
from schemas.topics import COMPLETIONS, WORK_INTERACTIVE
from schemas.work import Completion, Work
from streams.infer.http_engine import HttpEngine, Server
from streams.infer.process import engine_of
from streams.kafka.received import received_message
from streams.kafka.topic_admin import create_topics
from streams.local.broker import BrokerPlan, KafkaBroker
from streams.local.jars import KAFKA_VERSION
from streams.local.ports import choose_port
from streams.settings import Settings, child_environment, load_settings
from tests.bench import load
from tests.bench.figure import Figure
from tests.bench.memory import through_memory, work_of
from tests.bench.path import cpu_seconds
from tests.fixtures.chat_server import ChatServer
from tests.fixtures.flood import p99_seconds

_COUNT = 40
_FEW = 6  # requests of the slow ways
_MIX = load.Mix(words=(8, 8, 30, 80), tokens=(8, 16, 32))
_SLOTS = "16"
_START_SECONDS = 120.0


def inference_figures() -> list[Figure]:
    """requests through the model, by topic and by simpler ways"""
    asked, few = load.prompts(_COUNT, 11, _MIX), load.prompts(_FEW, 12, _MIX)
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as directory, broker(Path(directory)) as settings:
        engine = engine_of(settings)
        engine.load()
        before = _measured(lambda: load.tokens(load.at_once(engine, asked)))
        topic = _through_topic(settings, asked)
        direct = _mean(before, _measured(lambda: load.tokens(load.at_once(engine, asked))))
        memory = _measured(lambda: sum(through_memory(engine, asked)))
        single = _measured(lambda: load.tokens(load.one_by_one(engine, few)))
        naive = _measured(lambda: _naive(settings, engine, few))
        engine.close()
    alone, flooded = p99_seconds("nobody"), p99_seconds("flood")
    whole = Figure("engine_direct", direct.per_second, "tokens/s")
    calm = Figure("simulated: p99 of an app by itself", alone, "s")
    own = Figure("engine_direct.cpu", direct.per_cpu, "tokens/CPU s")
    return [
        whole,
        own,
        Figure("infer.tokens_per_s", topic.per_second, "tokens/s").against(whole),
        Figure("infer.tokens_per_cpu_s", topic.per_cpu, "tokens/CPU s").against(own),
        Figure("infer.loop_in_memory", memory.per_second, "tokens/s").against(whole),
        Figure("one_at_a_time", single.per_second, "tokens/s").against(whole),
        Figure("naive_consumer_and_http_server", naive.per_second, "tokens/s").against(whole),
        calm,
        Figure("simulated: the same beside a flood", flooded, "s").against(calm),
    ]


@dataclass(frozen=True)
class _Speed:
    per_second: float
    per_cpu: float


def _measured(work: Callable[[], int]) -> _Speed:
    wall, own = time.perf_counter(), time.process_time()
    made = work()
    return _Speed(made / (time.perf_counter() - wall), made / (time.process_time() - own))


def _mean(one: _Speed, other: _Speed) -> _Speed:
    """Of before and after: these machines are not as fast at one time as at another."""
    return _Speed((one.per_second + other.per_second) / 2, (one.per_cpu + other.per_cpu) / 2)


@contextmanager
def broker(directory: Path) -> Iterator[Settings]:
    os.environ.update(WEIR_HOME=str(directory), WEIR_KAFKA_PORT="0", WEIR_INFER_BATCH=_SLOTS, WEIR_DEVICE="cpu")
    plan = BrokerPlan(directory / "kafka", choose_port(), load_settings().cache / "kafka" / KAFKA_VERSION, heap_mib=384)
    broker = KafkaBroker(plan, owner=os.getpid())
    broker.start()
    try:
        settings = load_settings().model_copy(update={"kafka_bootstrap": broker.bootstrap})
        create_topics(settings)
        yield settings
    finally:
        broker.stop()
        del os.environ["WEIR_INFER_BATCH"], os.environ["WEIR_DEVICE"]


def _write(settings: Settings, asked: Sequence[Prompt]) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "linger.ms": 5})
    for number, prompt in enumerate(asked):
        message = work_of(prompt, number)
        topic = settings.topics.of(WORK_INTERACTIVE)
        producer.produce(topic, message.value, message.key, headers=list(message.headers))
    producer.flush()


def _consumer(settings: Settings, group: str, topic: str) -> Consumer:
    config = {"bootstrap.servers": settings.kafka_bootstrap, "group.id": group, "enable.auto.commit": False}
    consumer = Consumer({**config, "auto.offset.reset": "earliest", "isolation.level": "read_committed"})
    consumer.subscribe([topic])
    return consumer


def _through_topic(settings: Settings, asked: Sequence[Prompt]) -> _Speed:
    """`weir infer` as it is: from the first request written to the last completion read."""
    environment = child_environment(kafka_bootstrap=str(settings.kafka_bootstrap), log_format="json")
    command = [sys.executable, "-m", "streams.cli", "infer"]
    log = settings.home / "infer.log"
    with log.open("wb") as errors, closing(_consumer(settings, "bench", settings.topics.of(COMPLETIONS))) as reader:
        process = subprocess.Popen(command, env=environment, stderr=errors)
        try:
            wait_ready(log)
            _write(settings, asked)
            start, before = time.perf_counter(), cpu_seconds(process.pid)
            made, left = 0, len(asked)
            while left:
                received = reader.poll(1.0)
                if received is not None and received.error() is None:
                    usage = decode(received_message(received), Completion, COMPLETIONS.type_name).record.usage
                    made += usage.completion_tokens if usage else 0
                    left -= 1
            wall, own = time.perf_counter() - start, cpu_seconds(process.pid) - before
        finally:
            process.terminate()
            process.wait(60)
    return _Speed(made / wall, made / own)


def wait_ready(log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        text = log.read_text()
        if '"url": "' in text and _is_ready(text.split('"url": "')[1].split('"')[0]):
            return
        time.sleep(0.2)
    raise TimeoutError(log.read_text())


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready").is_success
    except httpx.HTTPError:
        return False


class _Served:
    """The engine as a generator that answers whatever one HTTP request asks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def generate(self, asked: Sequence[Prompt]) -> list[Answer]:
        return [each.answer for each in load.at_once(self._engine, asked)]


def _naive(settings: Settings, engine: Engine, asked: Sequence[Prompt]) -> int:
    """A consumer that asks an HTTP server for one answer after the other, writes it and commits."""
    settings = settings.model_copy(update={"namespace": "naive"})
    create_topics(settings)
    _write(settings, asked)
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "linger.ms": 0})
    completions, made = settings.topics.of(COMPLETIONS), 0
    with ChatServer(_Served(engine)) as server:
        client = HttpEngine(Server(server.url, engine.name), 1)
        client.load()
        with closing(_consumer(settings, "naive", settings.topics.of(WORK_INTERACTIVE))) as consumer:
            for _ in asked:
                while (received := consumer.poll(1.0)) is None:
                    pass
                work = decode(received_message(received), Work, WORK_INTERACTIVE.type_name).record
                wanted = work.request.parameters.max_tokens if work.request.parameters else None
                (done,) = load.at_once(client, [Prompt(work.request.messages, wanted or 256)])
                made += done.answer.completion_tokens
                producer.produce(completions, (done.answer.text or "").encode())
                producer.flush()
                consumer.commit(received, asynchronous=False)
        client.close()
    return made
