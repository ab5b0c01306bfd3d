"""Watches while this process leads, stands by while another does."""

from schemas.policy import Alarms
from schemas.topics import MONITOR_STATE
from streams.kafka.consumer_groups import monitor_group
from streams.kafka.leading import Leader
from streams.kafka.membership import Membership
from streams.metrics import Metrics
from streams.monitor.tenure import Surroundings, Tenure
from streams.monitor.watcher import AlarmsOf
from streams.policies.assignment import Policies
from streams.settings import Settings


class Monitor(Leader):
    """One member of the group of a shard."""

    def __init__(self, settings: Settings, metrics: Metrics, policies: Policies) -> None:
        membership = Membership(settings, MONITOR_STATE, monitor_group(settings, settings.monitor_shard))
        given = Surroundings(settings, metrics, alarms_of(policies), membership)
        super().__init__("monitor", membership, lambda: Tenure(given), metrics.watching)


def alarms_of(policies: Policies) -> AlarmsOf:
    """What is watched of an app, by the policy in force for it as a whole."""

    def found(app: str) -> Alarms | None:
        assigned = policies.assign(app, "")
        return None if assigned is None else assigned.policy.alarms

    return found
