"""The settle process, put together from settings. It imports no guard and no model."""

import signal
import threading

from streams.assignment import Policies
from streams.health import HealthServer
from streams.leading import end_if_stuck
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.policies import read_policies
from streams.rollout.live import LivePolicies
from streams.settings import Settings
from streams.settle.loop import Settle
from streams.tracing.tracer import open_tracer
from streams.transactions import DeposedError

_log = get_logger("streams.settle")


def run_settle(settings: Settings) -> int:
    """Settle, or stand by, until a signal; the exit status. 1 if another process has taken over by force."""
    metrics = Metrics()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with LivePolicies(settings, read_policies(settings.policies), metrics) as policies:
        return _run(settings, metrics, policies, stop)


def _run(settings: Settings, metrics: Metrics, policies: Policies, stop: threading.Event) -> int:
    tracer = open_tracer(settings, "settle")
    settle = Settle(settings, metrics, policies, tracer)
    health = HealthServer(
        metrics.registry,
        alive=settle.is_alive,
        ready=settle.is_ready,
        host=settings.metrics_host,
        port=settings.metrics_port,
    )
    _log.info("settle starts", url=health.start())
    ended = threading.Event()
    threading.Thread(target=end_if_stuck, args=("settle", settle, ended), name="watchdog", daemon=True).start()
    try:
        settle.run(stop)
    except DeposedError as error:
        _log.warning("deposed", reason=str(error))
        return 1
    finally:
        ended.set()
        tracer.close()
        health.stop()
    _log.info("settle ends")
    return 0
