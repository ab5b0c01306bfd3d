from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from guards.pipeline import Pipeline
from monitors.sampling import Sampler
from schemas.topics import Namespace
from streams.erasure.erasures import Erasures, Forgets
from streams.metrics import Metrics
from streams.policies.assignment import Policies
from streams.sampling.plans import NoPlans, Plans
from streams.tracing.tracer import NoTracer, Tracer
from streams.vault.keeper import Keeper


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a judging stage is given: nothing of it is looked up by the stage itself.

    ``load_pipeline`` may take seconds. ``topic_id`` maps a topic's full name to the id that the broker gave it.
    Without a ``keeper`` no raw text is kept, and no placeholder is replaced by what it stands for. ``plans`` lower the
    rates of the review sample; what ``forgets`` covers is dropped.
    """

    namespace: Namespace
    policies: Policies
    sampler: Sampler
    metrics: Metrics
    load_pipeline: Callable[[], Pipeline]
    topic_id: Callable[[str], str]
    keeper: Keeper | None = None
    tracer: Tracer = field(default_factory=NoTracer)
    plans: Plans = field(default_factory=NoPlans)
    forgets: Forgets = field(default_factory=Erasures)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
