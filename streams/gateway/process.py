"""The gateway process, put together from settings. It imports no guard and no model."""

from collections.abc import Callable
from typing import Final

from schemas.errors import ConfigError
from streams.client.async_client import AsyncClient
from streams.gateway.keys import Keys, read_keys
from streams.gateway.service import Gateway, Terms
from streams.kafka.clients import bootstrap, confluent_config
from streams.metrics import Metrics
from streams.process.http import Listening, run_http
from streams.settings import Settings

_GRACE_SECONDS: Final = 15
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_KEYS: Final = "WEIR_GATEWAY_KEYS"
_EVERYBODY: Final = "default"
_SECURITY: Final = ("sasl.", "ssl.", "security.")


def run_gateway(settings: Settings) -> int:
    """Serve until a signal, and then for as long as what was asked takes, or a quarter of a minute; the exit status.

    Raises:
        ConfigError: the keys will not do, or there are none and others than this machine could ask.
    """
    keys = choose_keys(settings)
    metrics = Metrics()
    gateway = Gateway(Terms(keys, settings.model, settings.gateway_timeout), _connector(settings), metrics)
    listening = Listening(settings.gateway_host, settings.gateway_port, "WEIR_GATEWAY_PORT", _GRACE_SECONDS)
    return run_http("gateway", gateway.app, listening, settings, metrics.registry)


def choose_keys(settings: Settings) -> Keys:
    """The keys of the settings; without any, everybody on this machine speaks for the app ``default``.

    Raises:
        ConfigError: the keys will not do, or there are none and others than this machine could ask.
    """
    if settings.gateway_keys is not None:
        return read_keys(settings.gateway_keys.get_secret_value(), _KEYS, _KEYS)
    path = settings.gateway_keys_file
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} cannot be read: {type(error).__name__}", field=f"{_KEYS}_FILE") from None
        return read_keys(text, str(path), f"{_KEYS}_FILE")
    if settings.gateway_host not in _LOOPBACK:
        raise ConfigError("beyond this machine the gateway is open only to those who have a key", field=_KEYS)
    return Keys({}, open_to=_EVERYBODY)


def _connector(settings: Settings) -> Callable[[str], AsyncClient]:
    security = {name: value for name, value in confluent_config(settings).items() if name.startswith(_SECURITY)}

    def connect(app: str) -> AsyncClient:
        return AsyncClient(bootstrap(settings), app, settings.namespace, source=f"gateway-{app}", **security)

    return connect
