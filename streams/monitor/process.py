"""The monitor process, put together from settings. It imports no model."""

import signal
import threading

from schemas.errors import ConfigError
from streams.metrics import Metrics
from streams.monitor.loop import Monitor
from streams.policies.files import read_policies
from streams.process.led import run_led
from streams.rollout.live import LivePolicies
from streams.settings import Settings


def run_monitor(settings: Settings) -> int:
    """Watch, or stand by, until a signal; the exit status. 1 if another process has taken over by force.

    Raises:
        ConfigError: there is no such shard.
    """
    if settings.monitor_shard >= settings.monitor_shards:
        raise ConfigError(f"shards are numbered from 0 to {settings.monitor_shards - 1}", field="WEIR_MONITOR_SHARD")
    metrics = Metrics()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with LivePolicies(settings, read_policies(settings.policies), metrics) as policies:
        return run_led("monitor", Monitor(settings, metrics, policies), settings, metrics.registry, stop)
