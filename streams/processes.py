"""The long-running processes of Weir, put together from settings."""

import signal
import threading
from collections.abc import Mapping
from functools import cache, partial

from monitors.sampling import Sampler
from schemas.errors import ConfigError
from schemas.topics import INTERACTIONS, REQUESTS
from streams.health import HealthServer
from streams.judging import JudgingStage, Surroundings
from streams.kafka_admin import KafkaAdmin
from streams.loading import load_pipeline
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.policies import read_policies
from streams.settings import Settings
from streams.stage import Stage
from streams.store.writer import Writer
from streams.worker import run_worker


def judging_stages(settings: Settings, metrics: Metrics) -> Mapping[str, Stage]:
    """The stages of a worker, by the agents' names. They share one pipeline, which the first to load makes."""
    surroundings = Surroundings(
        namespace=settings.topics,
        policies=read_policies(settings.policies),
        sampler=Sampler(settings.sampling_secret.get_secret_value().encode(), "review"),
        metrics=metrics,
        load_pipeline=cache(partial(load_pipeline, settings.models_directory, settings.threads)),
        topic_id=partial(_topic_id, settings),
    )
    stages = (JudgingStage("screen", REQUESTS, surroundings), JudgingStage("observe", INTERACTIONS, surroundings))
    return {stage.name: stage for stage in stages}


def run_judging_worker(settings: Settings) -> int:
    """Run the Faust agents until a signal; the exit status."""
    metrics = Metrics()
    return run_worker(settings, judging_stages(settings, metrics), metrics)


def run_writer(settings: Settings) -> int:
    """Run the ClickHouse writer until a signal; the exit status."""
    metrics = Metrics()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    writer = Writer(settings, metrics)
    health = HealthServer(
        metrics.registry,
        alive=writer.is_alive,
        ready=writer.is_ready,
        host=settings.metrics_host,
        port=settings.metrics_port,
    )
    log = get_logger("streams.store")
    log.info("writer starts", url=health.start())
    try:
        writer.run(stop)
    finally:
        health.stop()
    log.info("writer ends")
    return 0


def _topic_id(settings: Settings, name: str) -> str:
    with KafkaAdmin(settings) as admin:
        found = admin.describe([name]).get(name)
    if found is None:
        raise ConfigError(f"the broker has no topic {name}: run `weir topics create`")
    return found.topic_id
