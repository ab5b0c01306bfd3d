"""The survey: keeps what people are asked within what they can read, and estimates from what they say.

A thread of the writer's process.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from schemas.codec import encode
from schemas.envelope import Envelope, event_type
from schemas.errors import reason
from schemas.policy import Policy
from schemas.sampling import SamplingPlan
from schemas.topics import SAMPLING
from streams.agents.producer import BatchProducer
from streams.estimates.storing import renew
from streams.kafka.clients import confluent_config
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.policies.files import read_policies
from streams.rollout.live import LivePolicies
from streams.sampling.live import LivePlans
from streams.sampling.planner import next_plans, read_loads
from streams.settings import Settings
from streams.stage import Publication
from streams.store.client import Store

_TURN_SECONDS: Final = 60.0
_ESTIMATES_EVERY: Final = timedelta(hours=1)
_SOURCE: Final = "weir/survey"
_log = get_logger("streams.sampling")


class Survey:
    """Plans once a minute, and estimates once an hour. Several may: the first plan counts, and the last figures do.

    Nothing that goes wrong here ends the process: rates stay as they are, and it is tried again.
    """

    def __init__(self, settings: Settings, metrics: Metrics, clock: Callable[[], datetime] | None = None) -> None:
        self._settings = settings
        self._metrics = metrics
        self._clock = clock or _now
        self._estimated: datetime | None = None

    def run(self, stop: threading.Event) -> None:
        """Go on until told to stop."""
        while not stop.is_set():
            try:
                self._run(stop)
            except Exception as error:  # noqa: BLE001 - whatever it is, the writer beside it goes on
                _log.warning("survey waits", reason=reason(error))
            stop.wait(_TURN_SECONDS)

    def _run(self, stop: threading.Event) -> None:
        with ExitStack() as opened:
            files = read_policies(self._settings.policies)
            policies = opened.enter_context(LivePolicies(self._settings, files, self._metrics))
            plans = opened.enter_context(LivePlans(self._settings))
            store = opened.enter_context(Store.of(self._settings))
            producer = BatchProducer(confluent_config(self._settings))
            producer.start()
            opened.callback(producer.stop)
            while True:
                self.plan(policies.in_force, plans, store, producer)
                self.estimate(store)
                if stop.wait(_TURN_SECONDS):
                    return

    def plan(
        self, policies: Sequence[Policy], plans: LivePlans, store: Store, producer: BatchProducer
    ) -> tuple[SamplingPlan, ...]:
        """Write the plans that are due, and say which."""
        concerned = [policy for policy in policies if policy.sampling.daily or plans.book.last(policy.id)]
        if not concerned:
            return ()
        now = self._clock()
        loads = read_loads(store, [policy.id for policy in concerned], now)
        due = tuple(next_plans(concerned, plans.book, loads, now))
        if due:
            producer.publish([self._publication(plan, now) for plan in due])
        return due

    def estimate(self, store: Store) -> None:
        """Store what the labels say by now, once an hour."""
        now = self._clock()
        if self._estimated is None or now - self._estimated >= _ESTIMATES_EVERY:
            renew(store, now, self._settings.experts)
            self._estimated = now

    def _publication(self, plan: SamplingPlan, now: datetime) -> Publication:
        event = Envelope(id=str(uuid4()), source=_SOURCE, type=event_type(SAMPLING.type_name), time=now)
        return Publication(self._settings.topics.of(SAMPLING), encode(plan, event, plan.policy))


def _now() -> datetime:
    return datetime.now(UTC)
