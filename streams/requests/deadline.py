"""When a request must have been answered."""

from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.conversation import Request
from schemas.policy import Deadlines

DEFAULT: Final = Deadlines()
"""For a request that cannot be read, or whose app no policy serves."""


def deadline_of(request: Request | None, arrival: datetime, limits: Deadlines = DEFAULT) -> datetime:
    """The request's own deadline, in UTC and within what the policy allows after ``arrival``; else the policy's.

    One that had passed at the arrival is the arrival itself: the request is answered at once.
    """
    wanted = request.deadline if request else None
    if wanted is None:
        return arrival + timedelta(seconds=min(limits.default_seconds, limits.max_seconds))
    latest = arrival + timedelta(seconds=limits.max_seconds)
    if isinstance(wanted, datetime):
        # Compared before it is converted: a conversion may leave the calendar.
        return min(max(wanted, arrival), latest).astimezone(UTC)
    return min(arrival + timedelta(milliseconds=wanted), latest)
