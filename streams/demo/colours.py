"""The colour of each action, mild to strict, by the names that every terminal knows."""

from collections.abc import Mapping
from typing import Final

from schemas.actions import Action

ACTION_COLOURS: Final[Mapping[Action, str]] = {
    Action.ALLOW: "green",
    Action.FLAG: "yellow",
    Action.REDACT: "cyan",
    Action.HOLD: "magenta",
    Action.BLOCK: "red",
}
