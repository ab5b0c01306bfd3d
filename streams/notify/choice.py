"""The targets that the settings name."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from schemas.errors import ConfigError
from streams.grafana.connection import connect
from streams.notify.alertmanager import Alertmanager
from streams.notify.annotations import Annotations
from streams.notify.log import Log
from streams.notify.target import Target
from streams.notify.webhook import Webhook, secret_bytes
from streams.settings import PREFIX, Settings


def choose_targets(settings: Settings) -> tuple[Target, ...]:
    """The log, and whatever else is set.

    Raises:
        ConfigError: an address or a secret will not do; names the setting, and never the value.
    """
    found: list[Target] = [Log()]
    if settings.notify_alertmanager:
        found.append(Alertmanager(_url(settings.notify_alertmanager, "notify_alertmanager")))
    if webhook := _secret(settings.notify_webhook, settings.notify_webhook_file, "notify_webhook"):
        signing = _secret(settings.notify_webhook_secret, settings.notify_webhook_secret_file, "notify_webhook_secret")
        secret = None if signing is None else secret_bytes(signing, _name("notify_webhook_secret"))
        found.append(Webhook(_url(webhook, "notify_webhook"), secret))
    if settings.notify_grafana:
        found.append(Annotations(connect(settings)))
    return tuple(found)


def _secret(value: SecretStr | None, path: Path | None, setting: str) -> str | None:
    if value is not None and value.get_secret_value():
        return value.get_secret_value()
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {type(error).__name__}", field=f"{_name(setting)}_FILE") from None


def _url(text: str, setting: str) -> str:
    where = urlsplit(text)
    if where.scheme not in {"http", "https"} or not where.hostname:
        raise ConfigError("should be http:// or https:// and a host", field=_name(setting))
    return text


def _name(setting: str) -> str:
    return f"{PREFIX}{setting}".upper()
