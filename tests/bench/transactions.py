"""What it costs that replies are written once: turns of settle in transactions, and the same messages without."""

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median

from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.topics import REPLIES, REQUESTS, SETTLED
from streams.kafka.clients import confluent_config
from streams.kafka.transactions import Transactions
from streams.settings import Settings
from streams.stage import Publication
from tests.bench.figure import Figure
from tests.bench.inference import broker
from tests.fixtures.served_rows import outgoing, reply, settlement

_TURNS = {1: 300, 50: 100, 500: 20}  # requests that one turn settles: how many turns are measured
_GROUP = "bench"


def transaction_figures() -> list[Figure]:
    """the cost of transactions"""
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as directory, broker(Path(directory)) as settings:
        return [figure for size, turns in _TURNS.items() for figure in _measured(settings, size, turns)]


def _measured(settings: Settings, size: int, turns: int) -> list[Figure]:
    publications = [each for n in range(size) for each in _settled(settings, n)]
    offsets = [TopicPartition(settings.topics.of(REQUESTS), 0, size)]
    plain = Producer({**confluent_config(settings), "linger.ms": 0, "acks": "all"})

    def without() -> None:
        for each in publications:
            plain.produce(each.topic, each.message.value, each.message.key, headers=list(each.message.headers))
        assert plain.flush(30) == 0

    with (
        closing(Consumer({**confluent_config(settings), "group.id": _GROUP})) as member,
        closing(Transactions(settings, f"{_GROUP}-{size}")) as transactions,
    ):
        transactions.open()
        metadata = member.consumer_group_metadata()
        bare = _figure(f"settling_{size}.plain", size, turns, without)
        once = _figure(
            f"settling_{size}.once", size, turns, lambda: transactions.write(publications, offsets, metadata)
        )
        return [*bare, *(figure.against(other) for figure, other in zip(once, bare, strict=True))]


def _settled(settings: Settings, number: int) -> Sequence[Publication]:
    """A reply and its settlement."""
    name = f"r{number}"
    records = ((REPLIES, reply(name, text="word " * 40)), (SETTLED, settlement(name)))
    return [Publication(settings.topics.of(topic), outgoing(record)) for topic, record in records]


def _figure(name: str, size: int, turns: int, act: Callable[[], None]) -> list[Figure]:
    """Requests per second of this process's CPU, and the median of a turn by the clock."""
    act()  # connections and metadata are there
    took, cpu = [], time.process_time()
    for _ in range(turns):
        begun = time.perf_counter()
        act()
        took.append(time.perf_counter() - begun)
    cpu = time.process_time() - cpu
    return [
        Figure(f"{name}.per_cpu_s", turns * size / cpu, "requests per CPU-second"),
        Figure(f"{name}.turn_ms", 1000 * median(took), "ms a turn, p50"),
    ]
