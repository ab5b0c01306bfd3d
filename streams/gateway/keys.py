"""Who may ask: an API key stands for an app. Only hashes are kept in memory."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from schemas.errors import ConfigError

_SHORTEST: Final = 16  # characters: shorter keys can be guessed


@dataclass(frozen=True, slots=True)
class Keys:
    """Apps by the hash of their key. ``open_to`` is the app of everybody, where there are no keys."""

    apps: Mapping[bytes, str] = field(repr=False)
    open_to: str | None = None

    def app_of(self, authorization: str | None) -> str | None:
        """The app that an ``Authorization`` header speaks for; None if it speaks for none."""
        if self.open_to is not None:
            return self.open_to
        scheme, _, key = (authorization or "").partition(" ")
        # Looked up by its hash, so that the time it takes says nothing of the keys that there are.
        return self.apps.get(_hash(key.strip())) if scheme.lower() == "bearer" else None


def read_keys(text: str, where: str, field: str) -> Keys:
    """The keys of a text: on each line, or between commas, an app and its key; ``#`` begins a comment.

    An app may have several keys, so that one can be replaced while the other is in use. ``where`` the text comes from
    and the setting's name, ``field``, are what an error tells.

    Raises:
        ConfigError: a line will not do, or there is no key; names the line, never the key.
    """
    apps: dict[bytes, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        for entry in line.partition("#")[0].split(","):
            words = entry.split()
            if words and (len(words) != 2 or len(words[1]) < _SHORTEST):
                message = f"{where}:{number}: should be an app and a key of {_SHORTEST} characters or more"
                raise ConfigError(message, field=field)
            if words and apps.setdefault(_hash(words[1]), words[0]) != words[0]:
                raise ConfigError(f"{where}:{number}: the key is another app's too", field=field)
    if not apps:
        raise ConfigError(f"{where} has no key", field=field)
    return Keys(apps)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
