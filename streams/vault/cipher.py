"""AES-256-GCM: what is decrypted is what was encrypted under the same key for the same place, or an error."""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import Code, IntegrityError

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


def new_secret() -> bytes:
    """A random key."""
    return AESGCM.generate_key(KEY_BYTES * 8)


def encrypt(secret: bytes, plain: bytes, place: bytes) -> bytes:
    """A random nonce, the ciphertext and its tag. ``place`` is authenticated, not contained."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(secret).encrypt(nonce, plain, place)


def decrypt(secret: bytes, data: bytes, place: bytes) -> bytes:
    """What was encrypted.

    Raises:
        IntegrityError: ``VAULT_KEY``: another key or place, or altered data.
    """
    try:
        return AESGCM(secret).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], place)
    except (InvalidTag, ValueError):  # a ValueError: cut shorter than a nonce
        raise IntegrityError("altered, moved, or of another key", code=Code.VAULT_KEY) from None
