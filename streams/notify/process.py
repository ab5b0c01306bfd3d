"""The notify process, put together from settings. It imports no guard and no model."""

import signal
import threading

from streams.health import HealthServer
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.notify.choice import choose_targets
from streams.notify.notifier import Notifier
from streams.settings import Settings

_log = get_logger("streams.notify")


def run_notify(settings: Settings) -> int:
    """Tell people of alerts, or stand by, until a signal; the exit status.

    Raises:
        ConfigError: a target's setting will not do.
    """
    targets = choose_targets(settings)
    metrics = Metrics()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    notifier = Notifier(settings, metrics, targets)
    health = HealthServer(
        metrics.registry,
        alive=notifier.is_alive,
        ready=notifier.is_ready,
        host=settings.metrics_host,
        port=settings.metrics_port,
    )
    _log.info("notify starts", url=health.start())
    try:
        notifier.run(stop)
    finally:
        health.stop()
    _log.info("notify ends")
    return 0
