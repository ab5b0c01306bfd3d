"""The key that encrypts data keys, and where it lives: here, or in a key management service."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, Protocol

from schemas.errors import Code, ConfigError, IntegrityError
from streams.vault.cipher import decrypt, encrypt

_PLACE: Final = b"weir data key"


class MasterKey(Protocol):
    """Wraps data keys. May be called from any thread.

    A key management service implements it with its own ``encrypt`` and ``decrypt``, tries again what fails in
    passing, and keeps its key to itself.
    """

    @property
    def id(self) -> str:
        """Names the key and tells nothing of it; at most 255 bytes of UTF-8."""
        ...

    def wrap(self, secret: bytes) -> bytes:
        """The data key, encrypted. Raises ``UnavailableError`` if a service does not answer."""
        ...

    def unwrap(self, wrapped: bytes) -> bytes:
        """The data key. Raises ``WeirError`` with ``VAULT_KEY``: wrapped by another key, or altered."""
        ...


class LocalKey:
    """A master key in this process's memory. ``secret`` has 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.id = blake2b(secret, digest_size=8, person=b"weir-master-key").hexdigest()

    def wrap(self, secret: bytes) -> bytes:
        return encrypt(self._secret, secret, _PLACE)

    def unwrap(self, wrapped: bytes) -> bytes:
        return decrypt(self._secret, wrapped, _PLACE)


class KeyRing:
    """Several master keys as one: the first wraps, each unwraps what it wrapped. For changing keys without a break."""

    def __init__(self, keys: Sequence[MasterKey]) -> None:
        self._first = keys[0]
        self._keys = {key.id: key for key in keys}

    @property
    def id(self) -> str:
        """That of the key that wraps."""
        return self._first.id

    def wrap(self, secret: bytes) -> bytes:
        name = self.id.encode()
        return bytes([len(name)]) + name + self._first.wrap(secret)

    def unwrap(self, wrapped: bytes) -> bytes:
        if not wrapped or len(wrapped) <= 1 + wrapped[0]:
            raise IntegrityError("no wrapped key", code=Code.VAULT_KEY)
        end = 1 + wrapped[0]
        name = wrapped[1:end].decode(errors="backslashreplace")
        key = self._keys.get(name)
        if key is None:
            raise ConfigError(
                f"not configured here; configured: {', '.join(self._keys)}",
                code=Code.VAULT_KEY,
                field=f"master key {name}",
            )
        return key.unwrap(wrapped[end:])
