"""The guards' patterns are data: one TOML file a guard, read when the guard loads."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from schemas.errors import ConfigError


@dataclass(frozen=True, slots=True)
class PatternFile:
    """A parsed pattern file and the first 12 hex digits of the SHA-256 of its bytes."""

    tables: Mapping[str, Any]
    digest: str


def read(name: str) -> PatternFile:
    """The packaged pattern file ``name``.

    Raises ``ConfigError`` when it is missing or not TOML.
    """
    try:
        content = files(__name__).joinpath(name).read_bytes()
        tables = tomllib.loads(content.decode("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read the pattern file: {error}", field=name) from error
    return PatternFile(tables=tables, digest=hashlib.sha256(content).hexdigest()[:12])
