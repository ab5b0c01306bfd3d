"""How fast the event path is: interactions through Kafka, a worker or two, and the writer into ClickHouse."""

import json
import os
import tempfile
import time
from pathlib import Path

from confluent_kafka import Producer

from guards.exchange import Exchange
from guards.pipeline import Case
from schemas.codec import validate
from schemas.conversation import Interaction
from schemas.topics import INTERACTIONS
from streams.judging.loading import load_pipeline
from streams.local.state import StackState, stop_stack
from streams.policies.files import shipped_policy
from streams.settings import Settings, load_settings
from streams.stack.stack import start_detached
from streams.store.client import Store
from tests.bench.figure import Figure
from tests.bench.texts import interactions

_EVENTS = 1500
_TICKS = os.sysconf("SC_CLK_TCK")


def path_figures() -> list[Figure]:
    """the event path, with one worker and with two"""
    bare = Figure("bare guards, interactions", _bare(), "events/CPU s")
    one, two = _run(workers=1), _run(workers=2)
    guarded = Figure("guarded path, 1 worker", one["per_cpu"], "events/CPU s").against(bare)
    wall = Figure("guarded path, 1 worker, by the clock", one["per_second"], "events/s")
    both = Figure("guarded path, 2 workers, by the clock", two["per_second"], "events/s").against(wall)
    memory = [Figure(f"memory: {name}", rss, "MB resident") for name, rss in one["memory"].items()]
    return [bare, guarded, wall, both, Figure("start: weir up", one["start"], "s"), *memory]


def _bare() -> float:
    settings = load_settings()
    pipeline = load_pipeline(settings)
    policy = shipped_policy()
    records = [validate(body, Interaction) for body in interactions(_EVENTS, seed=7)]
    cases = [Case(Exchange.of(record), policy) for record in records]
    started = time.process_time()
    for at in range(0, _EVENTS, settings.batch_size):
        pipeline.judge(cases[at : at + settings.batch_size])
    return _EVENTS / (time.process_time() - started)


def _run(workers: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as directory:
        home = Path(directory)
        os.environ.update(WEIR_HOME=directory, WEIR_KAFKA_PORT="0", WEIR_CLICKHOUSE_PORT="0", WEIR_WORKERS=str(workers))
        settings = load_settings()
        started = time.monotonic()
        state = start_detached(settings)
        start = time.monotonic() - started
        try:
            attached = settings.model_copy(
                update={"kafka_bootstrap": state.bootstrap, "clickhouse_url": state.clickhouse_url}
            )
            _through(attached, interactions(200, seed=1), 200)  # warm
            before = _worker_cpu(state)
            started = time.monotonic()
            _through(attached, interactions(_EVENTS, seed=2 + workers), 200 + _EVENTS)
            wall = time.monotonic() - started
            spent = _worker_cpu(state) - before
            memory = {process.name: _rss(process.pid) for process in state.processes}
        finally:
            stop_stack(home, 60)
        return {"per_cpu": _EVENTS / spent, "per_second": _EVENTS / wall, "memory": memory, "start": start}


def _through(settings: Settings, bodies: list[dict[str, object]], stored: int) -> None:
    """Send the bodies and wait until so many verdicts are stored in all."""
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "linger.ms": 5})
    for body in bodies:
        producer.produce(settings.topics.of(INTERACTIONS), json.dumps(body).encode())
    producer.flush()
    with Store.of(settings) as store:
        while int(store.select("SELECT count() AS n FROM v_verdicts")[0]["n"]) < stored:
            time.sleep(0.1)


def _worker_cpu(state: StackState) -> float:
    return sum(cpu_seconds(process.pid) for process in state.processes if process.name.startswith("worker"))


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _rss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS"))
