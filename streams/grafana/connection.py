"""The connection to Grafana, from the settings."""

from typing import Final
from urllib.parse import urlsplit

from grafana_api.grafana_face import GrafanaFace

from schemas.errors import ConfigError
from streams.settings import Settings

_TIMEOUT_SECONDS: Final = 15.0


def address(settings: Settings) -> str:
    """Where Grafana is, without a slash at the end. Raises ConfigError: nobody said so."""
    if settings.grafana_url is None:
        raise ConfigError("where is Grafana? Such as http://localhost:3000", field="WEIR_GRAFANA_URL")
    return settings.grafana_url.rstrip("/")


def connect(settings: Settings) -> GrafanaFace:
    """A client of it. Nothing is asked yet.

    Raises:
        ConfigError: no address or token is set, or the address is none.
    """
    base = address(settings)
    if settings.grafana_token is None:
        raise ConfigError("a service account's token with the role Editor is needed", field="WEIR_GRAFANA_TOKEN")
    where = urlsplit(base)
    if where.scheme not in {"http", "https"} or not where.hostname:
        raise ConfigError("should be http:// or https:// and a host", field="WEIR_GRAFANA_URL")
    return GrafanaFace(
        auth=settings.grafana_token.get_secret_value(),
        host=where.hostname,
        port=where.port,
        url_path_prefix=f"{where.path.strip('/')}/" if where.path.strip("/") else "",
        protocol=where.scheme,
        timeout=_TIMEOUT_SECONDS,
    )
