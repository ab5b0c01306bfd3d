"""A webhook of anybody's: the notification as JSON, signed as Standard Webhooks has it."""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from schemas.alert import Alert
from schemas.codec import dump_json
from schemas.errors import ConfigError
from schemas.notification import Notification
from streams.notify.http import Poster

_PREFIX: Final = "whsec_"


class Webhook:
    """Posts every notification to ``url``. Without a ``secret`` nothing is signed."""

    name: Final = "webhook"
    reminds: Final = True
    refresh_seconds: Final = None

    def __init__(
        self, url: str, secret: bytes | None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._poster = Poster("the webhook", url)
        self._secret = secret
        self._clock = clock

    def deliver(self, notification: Notification) -> None:
        body = dump_json(notification.model_dump(mode="json", exclude_none=True))
        name, seconds = str(notification.notification_id), str(round(self._clock().timestamp()))
        headers = {"webhook-id": name, "webhook-timestamp": seconds}
        if self._secret is not None:
            headers["webhook-signature"] = signature(self._secret, name, seconds, body)
        self._poster.post(body, headers)

    def refresh(self, alerts: Sequence[Alert]) -> None:
        """It remembers by itself."""


def signature(secret: bytes, name: str, seconds: str, body: bytes) -> str:
    """The header's value: ``v1,`` and HMAC-SHA-256 of id, time stamp and body, with dots between, in base64."""
    mac = hmac.new(secret, f"{name}.{seconds}.".encode() + body, sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"


def secret_bytes(text: str, field: str) -> bytes:
    """A secret as it is set: ``whsec_`` and base64, or any text of 16 characters or more.

    Raises:
        ConfigError: it will not do; names the setting.
    """
    if not text.startswith(_PREFIX):
        if len(text) < 16:
            raise ConfigError("should have 16 characters or more", field=field)
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError("should be base64 after whsec_", field=field) from None
