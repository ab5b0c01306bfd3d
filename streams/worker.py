"""The worker process, put together from settings."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from threading import Lock

from guards.pipeline import Pipeline
from monitors.sampling import Sampler
from schemas.errors import ConfigError
from streams.agents.worker import run_worker
from streams.erasure.live import LiveErasures
from streams.judging.collect import Collect
from streams.judging.judge import Judge
from streams.judging.loading import load_pipeline
from streams.judging.observe import Observe
from streams.judging.screen import Screen
from streams.judging.stage import JudgingStage
from streams.judging.surroundings import Surroundings
from streams.kafka.topic_descriptions import TopicDescriber, description_of
from streams.metrics import Metrics
from streams.policies.assignment import Policies
from streams.policies.files import read_policies
from streams.rollout.live import LivePolicies
from streams.sampling.live import LivePlans
from streams.settings import Settings
from streams.stage import Stage
from streams.streaming.stage import StreamStage
from streams.tracing.tracer import open_tracer
from streams.vault.opening import open_vault


def judging_stages(given: Surroundings) -> Mapping[str, Stage]:
    """The stages of a worker, by the agents' names."""
    stages: tuple[Stage, ...] = (
        JudgingStage(Screen(given), given),
        StreamStage(given),
        JudgingStage(Judge(given), given),
        JudgingStage(Observe(), given),
        Collect(given),
    )
    return {stage.name: stage for stage in stages}


def run_judging_worker(settings: Settings) -> int:
    """Run the Faust agents until a signal; the exit status."""
    metrics, book = Metrics(), read_policies(settings.policies)
    pipeline = _OnePipeline(partial(load_pipeline, settings, book.policies, metrics))
    live = LivePolicies(settings, book, metrics, lambda changed: pipeline().prepare(changed))
    with live as policies, LivePlans(settings) as plans, LiveErasures(settings) as forgets:
        tracer = open_tracer(settings, "worker")
        given = surroundings_of(settings, metrics, policies, pipeline)
        given = replace(given, plans=plans, tracer=tracer, forgets=forgets)
        try:
            return run_worker(settings, judging_stages(given), metrics)
        finally:
            tracer.close()


def surroundings_of(
    settings: Settings, metrics: Metrics, policies: Policies, pipeline: Callable[[], Pipeline]
) -> Surroundings:
    """What all stages of a worker share."""
    return Surroundings(
        namespace=settings.topics,
        policies=policies,
        sampler=Sampler(settings.sampling_secret.get_secret_value().encode(), "review"),
        metrics=metrics,
        load_pipeline=pipeline,
        topic_id=partial(_topic_id, settings),
        keeper=open_vault(settings),
    )


class _OnePipeline:
    """The one pipeline of the process: the first to call it, in whichever thread, makes it, and the others wait."""

    def __init__(self, make: Callable[[], Pipeline]) -> None:
        self._make = make
        self._made: Pipeline | None = None
        self._lock = Lock()

    def __call__(self) -> Pipeline:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


def _topic_id(settings: Settings, name: str) -> str:
    found = description_of(TopicDescriber(settings), name)
    if found is None:
        raise ConfigError(f"the broker has no topic {name}: run `weir topics create`")
    return found.topic_id
