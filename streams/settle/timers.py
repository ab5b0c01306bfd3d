"""Which of many things are due: in buckets, so that a million timers cost little more than their keys."""

import heapq
from collections.abc import Iterator
from typing import Final

_GRAIN: Final = 10  # milliseconds
_COARSE_GRAIN: Final = 10_000
_FAR: Final = 3_600_000  # what is due so much later need not be punctual


class Timers:
    """Keys by the time when they are due, in milliseconds.

    None comes up early, nor more than a hundredth of a second late; ten seconds, if it was set more than an hour
    ahead. A key may be set several times and comes up as often.
    """

    def __init__(self) -> None:
        self._buckets: dict[int, list[bytes]] = {}
        self._order: list[int] = []

    def set(self, key: bytes, due: int, now: int) -> None:
        """Let the key come up at ``due``. Costs the logarithm of the number of buckets at most."""
        grain = _COARSE_GRAIN if due - now > _FAR else _GRAIN
        at = -(-due // grain) * grain
        bucket = self._buckets.get(at)
        if bucket is None:
            self._buckets[at] = [key]
            heapq.heappush(self._order, at)
        else:
            bucket.append(key)

    def due(self, now: int, limit: int) -> Iterator[bytes]:
        """Take out up to so many keys that are due, earliest first."""
        while limit > 0 and self._order and self._order[0] <= now:
            bucket = self._buckets[self._order[0]]
            taken = bucket[-limit:]
            del bucket[-limit:]
            if not bucket:
                del self._buckets[heapq.heappop(self._order)]
            limit -= len(taken)
            yield from taken

    @property
    def next(self) -> int | None:
        """When the next one is due; None when none is set."""
        return self._order[0] if self._order else None
