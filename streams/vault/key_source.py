"""Where the local master key comes from: the settings, a file, or nowhere yet."""

import os
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path
from stat import S_IROTH, S_IWOTH
from tempfile import NamedTemporaryFile
from typing import Final

from schemas.errors import Code, ConfigError
from streams.settings import Settings
from streams.vault.cipher import KEY_BYTES, new_secret
from streams.vault.master_key import KeyRing, LocalKey, MasterKey

KEY_FILE: Final = "vault.key"
"""The local stack's key, in its home."""

_VALUE, _FILE = "WEIR_VAULT_KEY", "WEIR_VAULT_KEY_FILE"
_MOST_BYTES: Final = 64 * 1024  # a file of keys is small; another may be anything


def new_key() -> str:
    """A new master key: 32 random bytes in base64."""
    return b64encode(new_secret()).decode()


def read_master_key(settings: Settings) -> MasterKey | None:
    """The master key that is configured; None if there is none.

    Several, with white space between them, are a ring: the first wraps, all unwrap.

    Raises:
        ConfigError: ``VAULT_KEY`` and the setting at fault.
    """
    value, path = settings.vault_key, settings.vault_key_file
    if value is not None and path is not None:
        raise _error(f"{_FILE} is set too: which one counts?", _VALUE)
    if value is not None:
        return _ring(value.get_secret_value(), _VALUE)
    return None if path is None else _ring(_text(path), _FILE)


def write_key_file(path: Path) -> None:
    """Make a file with a new master key that its owner alone may read; one that exists stays as it is.

    Raises:
        ConfigError: ``VAULT_KEY``: the file cannot be made.
    """
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent) as draft:  # mode 0600
            draft.write(new_key() + "\n")
            draft.flush()
            os.fsync(draft.fileno())
            with suppress(FileExistsError):
                path.hardlink_to(draft.name)  # whole or not at all, and never over another
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", code=Code.VAULT_KEY, field=_FILE) from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_MOST_BYTES).decode("ascii", "replace")
    except OSError as error:
        raise _error(f"{path}: {error.strerror}", _FILE) from None
    if mode & (S_IROTH | S_IWOTH):
        message = f"{path}: everyone on this machine may read or write it; `chmod o-rw` it, or take another key"
        raise ConfigError(message, code=Code.VAULT_KEY, field=_FILE)
    return text


def _ring(text: str, setting: str) -> MasterKey:
    keys = [_key(part, setting) for part in text.split()]
    if not keys:
        raise _error("is empty", setting)
    return KeyRing(keys)


def _key(text: str, setting: str) -> LocalKey:
    try:
        secret = b64decode(text, validate=True)
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise _error(f"should be {KEY_BYTES} bytes in base64", setting)
    return LocalKey(secret)


def _error(problem: str, setting: str) -> ConfigError:
    return ConfigError(f"{problem}; `weir vault new-key` makes one", code=Code.VAULT_KEY, field=setting)
