"""The writer process, put together from settings: it moves rows, and the survey plans beside it. It loads no model."""

import signal
import threading

from streams.erasure.live import LiveErasures
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.process.health import HealthServer
from streams.sampling.survey import Survey
from streams.settings import Settings
from streams.store.writer import Writer


def run_writer(settings: Settings) -> int:
    """Run the ClickHouse writer until a signal; the exit status."""
    metrics = Metrics()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    forgets = LiveErasures(settings)
    writer = Writer(settings, metrics, forgets=forgets)
    health = HealthServer(
        metrics.registry,
        alive=writer.is_alive,
        ready=writer.is_ready,
        host=settings.metrics_host,
        port=settings.metrics_port,
    )
    log = get_logger("streams.store")
    log.info("writer starts", url=health.start())
    survey = threading.Thread(target=Survey(settings, metrics).run, args=(stop,), name="survey", daemon=True)
    survey.start()
    try:
        with forgets:
            writer.run(stop)
    finally:
        stop.set()
        health.stop()
    log.info("writer ends")
    return 0
