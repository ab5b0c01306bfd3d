"""The worker process, put together from settings."""

from collections.abc import Mapping
from functools import cache, partial

from monitors.sampling import Sampler
from schemas.errors import ConfigError
from schemas.topics import INTERACTIONS, REQUESTS
from streams.judging import JudgingStage, Surroundings
from streams.kafka_admin import KafkaAdmin
from streams.loading import load_pipeline
from streams.metrics import Metrics
from streams.policies import read_policies
from streams.settings import Settings
from streams.stage import Stage
from streams.worker import run_worker


def judging_stages(settings: Settings, metrics: Metrics) -> Mapping[str, Stage]:
    """The stages of a worker, by the agents' names. They share one pipeline, which the first to load makes."""
    policies = read_policies(settings.policies)
    surroundings = Surroundings(
        namespace=settings.topics,
        policies=policies,
        sampler=Sampler(settings.sampling_secret.get_secret_value().encode(), "review"),
        metrics=metrics,
        load_pipeline=cache(partial(load_pipeline, settings, policies.policies)),
        topic_id=partial(_topic_id, settings),
    )
    stages = (JudgingStage("screen", REQUESTS, surroundings), JudgingStage("observe", INTERACTIONS, surroundings))
    return {stage.name: stage for stage in stages}


def run_judging_worker(settings: Settings) -> int:
    """Run the Faust agents until a signal; the exit status."""
    metrics = Metrics()
    return run_worker(settings, judging_stages(settings, metrics), metrics)


def _topic_id(settings: Settings, name: str) -> str:
    with KafkaAdmin(settings) as admin:
        found = admin.describe([name]).get(name)
    if found is None:
        raise ConfigError(f"the broker has no topic {name}: run `weir topics create`")
    return found.topic_id
