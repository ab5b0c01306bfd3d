"""What is told of a verdict or an opinion by its headers, the body unread: whose traffic it is, and of when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

APP_HEADER: Final = "weir_app"
ARRIVED_HEADER: Final = "weir_arrived"
MADE_HEADER: Final = "weir_made"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Traffic:
    """One event of an app: when the broker took it in, and its own time, in milliseconds since 1970.

    Both are None of what is no traffic: trials and contradictions.
    """

    app: str
    arrived: int | None = None
    made: int | None = None


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return (moment - _EPOCH) // (_EPOCH.resolution * 1000)


def traffic_headers(app: str, arrived: datetime, made: datetime, *, counts: bool) -> Mapping[str, str]:
    """The headers of a message about an event of the app; ``counts`` tells whether it is traffic."""
    if not counts:
        return {APP_HEADER: app}
    return {APP_HEADER: app, ARRIVED_HEADER: str(milliseconds(arrived)), MADE_HEADER: str(milliseconds(made))}


def read_traffic(headers: Sequence[tuple[str, bytes | None]]) -> Traffic | None:
    """What the headers say; None where they do not: an earlier version wrote the message, or it is none of ours."""
    found = dict(headers)
    app, arrived, made = found.get(APP_HEADER), found.get(ARRIVED_HEADER), found.get(MADE_HEADER)
    if not app or (arrived is None) != (made is None):
        return None
    try:
        if arrived is None or made is None:
            return Traffic(app.decode())
        return Traffic(app.decode(), int(arrived), int(made))
    except ValueError:
        return None
