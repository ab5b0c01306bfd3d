"""The worker process, put together from settings."""

from collections.abc import Mapping
from functools import cache, partial

from monitors.sampling import Sampler
from schemas.errors import ConfigError
from streams.assignment import FixedPolicies
from streams.judging.judge import Judge
from streams.judging.observe import Observe
from streams.judging.screen import Screen
from streams.judging.stage import JudgingStage
from streams.judging.surroundings import Surroundings
from streams.kafka_admin import KafkaAdmin
from streams.loading import load_pipeline
from streams.metrics import Metrics
from streams.policies import read_policies
from streams.settings import Settings
from streams.stage import Stage
from streams.vault.opening import open_vault
from streams.worker import run_worker


def judging_stages(given: Surroundings) -> Mapping[str, Stage]:
    """The stages of a worker, by the agents' names."""
    stages: tuple[Stage, ...] = (
        JudgingStage(Screen(given), given),
        JudgingStage(Judge(given), given),
        JudgingStage(Observe(), given),
    )
    return {stage.name: stage for stage in stages}


def run_judging_worker(settings: Settings) -> int:
    """Run the Faust agents until a signal; the exit status."""
    metrics = Metrics()
    return run_worker(settings, judging_stages(surroundings_of(settings, metrics)), metrics)


def surroundings_of(settings: Settings, metrics: Metrics) -> Surroundings:
    """What the stages share, the pipeline included, which the first to load makes."""
    book = read_policies(settings.policies)
    return Surroundings(
        namespace=settings.topics,
        policies=FixedPolicies(book),
        sampler=Sampler(settings.sampling_secret.get_secret_value().encode(), "review"),
        metrics=metrics,
        load_pipeline=cache(partial(load_pipeline, settings, book.policies)),
        topic_id=partial(_topic_id, settings),
        keeper=open_vault(settings),
    )


def _topic_id(settings: Settings, name: str) -> str:
    with KafkaAdmin(settings) as admin:
        found = admin.describe([name]).get(name)
    if found is None:
        raise ConfigError(f"the broker has no topic {name}: run `weir topics create`")
    return found.topic_id
