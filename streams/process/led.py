"""A process of which one leads and the others stand by, run until a signal: its health page and its watchdog."""

import threading
from typing import Protocol

from prometheus_client import CollectorRegistry

from streams.kafka.leading import end_if_stuck
from streams.kafka.transactions import DeposedError
from streams.logs import get_logger
from streams.process.health import HealthServer
from streams.settings import Settings


class Led(Protocol):
    """What ``streams.kafka.leading.Leader`` promises, for one."""

    def is_alive(self) -> bool: ...
    def is_ready(self) -> bool: ...
    def run(self, stop: threading.Event) -> None: ...


def run_led(name: str, leader: Led, settings: Settings, registry: CollectorRegistry, stop: threading.Event) -> int:
    """Do the work, or stand by, until told to stop; the exit status. 1 if another process has taken over by force."""
    log = get_logger(f"streams.{name}")
    health = HealthServer(
        registry,
        alive=leader.is_alive,
        ready=leader.is_ready,
        host=settings.metrics_host,
        port=settings.metrics_port,
    )
    log.info("starts", url=health.start())
    ended = threading.Event()
    threading.Thread(target=end_if_stuck, args=(name, leader, ended), name="watchdog", daemon=True).start()
    try:
        leader.run(stop)
    except DeposedError as error:
        log.warning("deposed", reason=str(error))
        return 1
    finally:
        ended.set()
        health.stop()
    log.info("ends")
    return 0
