"""The monitor process, put together from settings. It imports no model."""

import signal
import threading

from streams.assignment import Policies
from streams.health import HealthServer
from streams.leading import end_if_stuck
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.monitor.loop import Monitor
from streams.policies import read_policies
from streams.rollout.live import LivePolicies
from streams.settings import Settings
from streams.transactions import DeposedError

_log = get_logger("streams.monitor")


def run_monitor(settings: Settings) -> int:
    """Watch, or stand by, until a signal; the exit status. 1 if another process has taken over by force."""
    metrics = Metrics()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with LivePolicies(settings, read_policies(settings.policies), metrics) as policies:
        return _run(settings, metrics, policies, stop)


def _run(settings: Settings, metrics: Metrics, policies: Policies, stop: threading.Event) -> int:
    monitor = Monitor(settings, metrics, policies)
    health = HealthServer(
        metrics.registry,
        alive=monitor.is_alive,
        ready=monitor.is_ready,
        host=settings.metrics_host,
        port=settings.metrics_port,
    )
    _log.info("monitor starts", url=health.start())
    ended = threading.Event()
    threading.Thread(target=end_if_stuck, args=("monitor", monitor, ended), name="watchdog", daemon=True).start()
    try:
        monitor.run(stop)
    except DeposedError as error:
        _log.warning("deposed", reason=str(error))
        return 1
    finally:
        ended.set()
        health.stop()
    _log.info("monitor ends")
    return 0
