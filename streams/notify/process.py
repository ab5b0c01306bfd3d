"""The notify process, put together from settings. It imports no guard and no model."""

import signal
import threading

from streams.metrics import Metrics
from streams.notify.choice import choose_targets
from streams.notify.notifier import Notifier
from streams.process.led import run_led
from streams.settings import Settings


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
    return run_led("notify", Notifier(settings, metrics, targets), settings, metrics.registry, stop)
