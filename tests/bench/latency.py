"""How long a request takes from its producing to its reply, with a model that answers at once."""

import json
import os
import tempfile
import threading
import time
from pathlib import Path
from statistics import quantiles

from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.topics import REPLIES, REQUESTS
from streams.local.state import stop_stack
from streams.settings import Settings, load_settings
from streams.stack.stack import start_detached
from streams.store.client import Store
from tests.bench.figure import Figure
from tests.bench.texts import texts

_RATES = ((1, 20), (10, 20), (100, 10))  # requests a second, seconds
_WORDS = 12
_WAIT_SECONDS = 60.0
_QUERY = """
SELECT source_event_id AS request, sum(guard_seconds) AS seconds
FROM v_verdicts WHERE stage IN ('screen', 'judge') GROUP BY source_event_id
"""


def latency_figures() -> list[Figure]:
    """from a request to its reply"""
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as directory:
        os.environ.update(WEIR_HOME=directory, WEIR_KAFKA_PORT="0", WEIR_CLICKHOUSE_PORT="0", WEIR_MODEL="noop")
        settings = load_settings()
        state = start_detached(settings)
        try:
            attached = settings.model_copy(
                update={"kafka_bootstrap": state.bootstrap, "clickhouse_url": state.clickhouse_url}
            )
            _Run(attached, "warm").ask(20, 5)
            return [figure for rate, seconds in _RATES for figure in _measure(attached, rate, seconds)]
        finally:
            del os.environ["WEIR_MODEL"]
            stop_stack(Path(directory), 60)


def _measure(settings: Settings, rate: int, seconds: int) -> list[Figure]:
    run = _Run(settings, f"at-{rate}")
    whole = run.ask(rate, seconds)
    guards = _guard_seconds(settings, set(whole))
    own = {request: taken - guards[request] for request, taken in whole.items()}
    name = f"request to reply at {rate}/s"
    parts = ((name, whole), (f"{name}: of it the guards", guards), (f"{name}: all but the guards", own))
    return [
        Figure(f"{part}, {label}", 1000 * _quantile(list(taken.values()), at), "ms")
        for part, taken in parts
        for label, at in (("p50", 50), ("p99", 99))
    ]


def _quantile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def _guard_seconds(settings: Settings, requests: set[str]) -> dict[str, float]:
    """The guards' time of each request, at both stages: of a batch, its share."""
    end = time.monotonic() + _WAIT_SECONDS
    with Store.of(settings) as store:
        while True:
            found = {row["request"]: row["seconds"] for row in store.select(_QUERY) if row["request"] in requests}
            if len(found) == len(requests) or time.monotonic() > end:
                return found
            time.sleep(0.5)


class _Run:
    """Requests at a steady rate, whatever the replies do, and when each reply was read."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._topics = settings.topics
        self._name = name
        common = {"bootstrap.servers": settings.kafka_bootstrap}
        self._producer = Producer({**common, "linger.ms": 0, "acks": "all"})
        self._consumer = Consumer(
            {**common, "group.id": "bench", "enable.auto.commit": False, "isolation.level": "read_committed"}
        )
        topic = self._topics.of(REPLIES)
        places = [TopicPartition(topic, n) for n in self._consumer.list_topics(topic).topics[topic].partitions]
        for place in places:
            place.offset = self._consumer.get_watermark_offsets(place)[1]
        self._consumer.assign(places)
        self._sent: dict[str, float] = {}
        self._got: dict[str, float] = {}
        self._reading = True

    def ask(self, rate: int, seconds: int) -> dict[str, float]:
        """Seconds from producing to reading the reply, by request."""
        reader = threading.Thread(target=self._read)
        reader.start()
        prompts = texts(rate * seconds, _WORDS, seed=rate)
        start = time.perf_counter()
        for number, prompt in enumerate(prompts):
            time.sleep(max(0.0, start + number / rate - time.perf_counter()))
            self._send(f"{self._name}-{number}", prompt)
        self._producer.flush()
        end = time.monotonic() + _WAIT_SECONDS
        while len(self._got) < len(self._sent) and time.monotonic() < end:
            time.sleep(0.05)
        self._reading = False
        reader.join()
        self._consumer.close()
        return {request: self._got[request] - sent for request, sent in self._sent.items() if request in self._got}

    def _send(self, request: str, prompt: str) -> None:
        body = {"app": "default", "messages": [{"role": "user", "content": prompt}]}
        self._sent[request] = time.perf_counter()
        headers = [("ce_id", request.encode()), ("ce_source", b"bench")]
        self._producer.produce(self._topics.of(REQUESTS), json.dumps(body).encode(), key=request, headers=headers)
        self._producer.poll(0)

    def _read(self) -> None:
        while self._reading:
            message = self._consumer.poll(0.1)
            if message is not None and message.error() is None:
                self._got[json.loads(message.value())["request_id"]] = time.perf_counter()
