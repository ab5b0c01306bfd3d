"""The console process, put together from settings."""

from collections.abc import Callable
from typing import Final

from streams.console.admission import Key
from streams.console.service import Console, Reader
from streams.local.ports import LOOPBACK, choose_port
from streams.masking.masker import LazyMasker
from streams.metrics import Metrics
from streams.process.http import Listening, run_http
from streams.reviews.desk import Tools
from streams.reviews.leases import Leases
from streams.reviews.posting import Post
from streams.settings import Settings
from streams.store.client import Store

_GRACE_SECONDS: Final = 5


def run_console(settings: Settings, reader: Reader, tell: Callable[[str], None]) -> int:
    """Serve on this machine until a signal; the exit status. ``tell`` gets the address that opens it.

    Raises:
        ConfigError: a topic or table is missing, or the port cannot be had.
        UnavailableError: the broker does not answer.
    """
    key, metrics = Key(choose_port(settings.console_port)), Metrics()
    mask = LazyMasker(settings.models_directory).masked_text
    with Store.of(settings) as store, Post(settings) as post, Leases(settings, post) as leases:
        console = Console(
            settings, Tools(store, post, leases, mask, settings.experts, settings.review_known), reader, key
        )
        listening = Listening(LOOPBACK, key.port, "WEIR_CONSOLE_PORT", _GRACE_SECONDS)
        return run_http("console", console.app, listening, settings, metrics.registry, lambda: tell(key.url))
