"""Policies from files: the operator's, or those that Weir ships."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from schemas.errors import Code, ConfigError
from schemas.policy import Policy, PolicyBook
from schemas.policy_file import parse_policy

DEFAULT_POLICY: Final = "public-chatbot.yaml"


def read_policy(path: Path) -> Policy:
    """The policy in a file. Raises ``ConfigError`` naming file, line and key."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"{path}: {reason}", code=Code.POLICY) from None
    return parse_policy(text, str(path))


def shipped_policy(name: str = DEFAULT_POLICY) -> Policy:
    """A policy of the package ``deploy``, by file name."""
    resource = files("deploy") / "policies" / name
    return parse_policy(resource.read_text(encoding="utf-8"), name)


def read_policies(path: Path | None) -> PolicyBook:
    """The policies in force: one file, every ``*.yaml`` of a folder, or by default the one for a public chatbot."""
    if path is None:
        return PolicyBook([shipped_policy()])
    found = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not found:
        raise ConfigError(f"{path}: no policy (*.yaml) in this folder", code=Code.POLICY)
    return PolicyBook(read_policy(file) for file in found)
