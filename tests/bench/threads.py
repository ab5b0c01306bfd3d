"""One text at a time and batches, by the clock, on one thread and on two."""

import statistics
import time
from collections.abc import Callable, Iterator

from guards.exchange import Exchange
from guards.pipeline import Case
from guards.registry import build_pipeline
from models.bundle import load_bundle
from schemas.conversation import Message
from streams.judging.loading import parts_of
from streams.policies.files import shipped_policy
from streams.settings import load_settings
from tests.bench.figure import Figure
from tests.bench.texts import texts

_COUNT = 192
_BATCH = 32
_WORDS = 44  # about 64 tokens


def thread_figures() -> list[Figure]:
    """one text at a time and batches, on one thread and on two"""
    found = []
    for threads in (1, 2):
        bundle = load_bundle(load_settings().models_directory, threads=threads)
        pipeline, policy = build_pipeline(parts_of(bundle)), shipped_policy()

        def judge(batch: list[str]) -> None:
            pipeline.judge([Case(Exchange(prompt=(Message(role="user", content=text),)), policy) for text in batch])  # noqa: B023 - called within its round

        suffix = f"{threads} thread{'s' if threads > 1 else ''}"
        found += _timed(f"encoder alone, {suffix}", bundle.encoder.encode, seed=500 + threads)
        found += _timed(f"pipeline, {suffix}", judge, seed=600 + threads)
    return found


def _timed(name: str, work: Callable[[list[str]], object], seed: int) -> Iterator[Figure]:
    """p50 and p99 of single texts, and texts a second in batches; every text is new."""
    work(texts(_BATCH, _WORDS, seed=seed))
    taken = []
    for text in texts(_COUNT, _WORDS, seed=seed + 1000):
        started = time.perf_counter()
        work([text])
        taken.append((time.perf_counter() - started) * 1000)
    yield Figure(f"{name}: p50", statistics.median(taken), "ms")
    yield Figure(f"{name}: p99", statistics.quantiles(taken, n=100)[98], "ms")
    fresh = texts(_COUNT, _WORDS, seed=seed + 2000)
    started = time.perf_counter()
    for at in range(0, _COUNT, _BATCH):
        work(fresh[at : at + _BATCH])
    yield Figure(f"{name}: batches of {_BATCH}", _COUNT / (time.perf_counter() - started), "texts/s")
