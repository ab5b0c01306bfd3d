"""Settles while this process leads, stands by while another does."""

from schemas.topics import SETTLED
from streams.kafka.consumer_groups import settle_group
from streams.kafka.leading import Leader
from streams.kafka.membership import Membership
from streams.metrics import Metrics
from streams.policies.assignment import Policies
from streams.settings import Settings
from streams.settle.tenure import Surroundings, Tenure
from streams.tracing.tracer import NoTracer, Tracer


class Settle(Leader):
    """One member of settle's group."""

    def __init__(self, settings: Settings, metrics: Metrics, policies: Policies, tracer: Tracer | None = None) -> None:
        membership = Membership(settings, SETTLED, settle_group(settings))
        given = Surroundings(settings, metrics, policies, membership, poison=set(), tracer=tracer or NoTracer())
        super().__init__("settle", membership, lambda: Tenure(given), metrics.leading)
