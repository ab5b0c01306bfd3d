"""What a policy can do with a finding, from mildest to strictest."""

from collections.abc import Iterable
from enum import StrEnum


class Action(StrEnum):
    """The ladder ``allow < flag < redact < hold < block``."""

    ALLOW = "allow"
    FLAG = "flag"
    REDACT = "redact"
    HOLD = "hold"
    BLOCK = "block"

    @property
    def severity(self) -> int:
        """The rung on the ladder, 0 (allow) to 4 (block)."""
        return _LADDER.index(self)


_LADDER = tuple(Action)


def worst(actions: Iterable[Action]) -> Action:
    """The strictest of the actions; ``allow`` when there are none."""
    return max(actions, key=lambda action: action.severity, default=Action.ALLOW)
