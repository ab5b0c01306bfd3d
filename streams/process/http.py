"""A process that serves HTTP until a signal, with its health page beside it."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from schemas.errors import ConfigError
from streams.logs import get_logger
from streams.process.health import HealthServer
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, the setting to name if that cannot be, and how long what was asked may take after a signal."""

    host: str
    port: int
    setting: str
    grace_seconds: int


def run_http(
    name: str,
    app: ASGIApp,
    listening: Listening,
    settings: Settings,
    registry: CollectorRegistry,
    opening: Callable[[], None] = lambda: None,
) -> int:
    """Serve until a signal, and then for as long as what was asked takes; the exit status. ``opening`` comes first.

    Raises:
        ConfigError: the address cannot be had.
    """
    log = get_logger(f"streams.{name}")
    server = _server(app, listening)
    health = HealthServer(
        registry,
        alive=lambda: True,
        ready=lambda: server.started and not server.should_exit,
        host=settings.metrics_host,
        port=settings.metrics_port,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn raises the signal again after its shutdown
    log.info("starts", url=health.start(), host=listening.host, port=listening.port)
    opening()
    try:
        asyncio.run(server.serve())
    except SystemExit:  # uvicorn leaves so where it cannot listen
        raise ConfigError("the address is taken or not this machine's", field=listening.setting) from None
    finally:
        health.stop()
    log.info("ends")
    return 0


def _server(app: ASGIApp, listening: Listening) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=listening.host,
            port=listening.port,
            log_config=None,
            access_log=False,  # an address may hold a key
            timeout_graceful_shutdown=listening.grace_seconds,
            ws="none",
            server_header=False,
        )
    )
