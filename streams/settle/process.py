"""The settle process, put together from settings. It imports no guard and no model."""

import signal
import threading

from streams.metrics import Metrics
from streams.policies.files import read_policies
from streams.process.led import run_led
from streams.rollout.live import LivePolicies
from streams.settings import Settings
from streams.settle.loop import Settle
from streams.tracing.tracer import open_tracer


def run_settle(settings: Settings) -> int:
    """Settle, or stand by, until a signal; the exit status. 1 if another process has taken over by force."""
    metrics = Metrics()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with LivePolicies(settings, read_policies(settings.policies), metrics) as policies:
        tracer = open_tracer(settings, "settle")
        try:
            return run_led("settle", Settle(settings, metrics, policies, tracer), settings, metrics.registry, stop)
        finally:
            tracer.close()
