"""The console process, put together from settings."""

import asyncio
from collections.abc import Callable
from typing import Final

import uvicorn

from schemas.errors import ConfigError
from streams.console.admission import Key
from streams.console.service import Console, Reader
from streams.health import HealthServer
from streams.local.ports import LOOPBACK, choose_port
from streams.logs import get_logger
from streams.masker import LazyMasker
from streams.metrics import Metrics
from streams.reviews.desk import Tools
from streams.reviews.leases import Leases
from streams.reviews.posting import Post
from streams.settings import Settings
from streams.store.client import Store

_GRACE_SECONDS: Final = 5
_log = get_logger("streams.console")


def run_console(settings: Settings, reader: Reader, tell: Callable[[str], None]) -> int:
    """Serve on this machine until a signal; the exit status. ``tell`` gets the address that opens it.

    Raises:
        ConfigError: a topic or table is missing, or the port cannot be had.
        UnavailableError: the broker does not answer.
    """
    key, metrics = Key(choose_port(settings.console_port)), Metrics()
    mask = LazyMasker(settings.models_directory).masked_text
    with Store.of(settings) as store, Post(settings) as post, Leases(settings, post) as leases:
        console = Console(settings, Tools(store, post, leases, mask), reader, key, metrics)
        server = uvicorn.Server(
            uvicorn.Config(
                console.app,
                host=LOOPBACK,
                port=key.port,
                log_config=None,
                access_log=False,  # the key is in the first address
                timeout_graceful_shutdown=_GRACE_SECONDS,
                ws="none",
                server_header=False,
            )
        )
        health = HealthServer(
            metrics.registry,
            alive=lambda: True,
            ready=lambda: server.started and not server.should_exit,
            host=settings.metrics_host,
            port=settings.metrics_port,
        )
        _log.info("console starts", url=health.start(), port=key.port, reader=reader.name)
        tell(key.url)
        try:
            asyncio.run(server.serve())
        except KeyboardInterrupt:
            pass  # uvicorn raises the signal again after its shutdown
        except SystemExit:  # uvicorn leaves so where it cannot listen
            raise ConfigError("the port is taken", field="WEIR_CONSOLE_PORT") from None
        finally:
            health.stop()
    return 0
