"""How much may become dead letters before somebody has to look: a wrong release must not drain a topic. Pure."""

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final

from schemas.errors import Code, WeirError

WINDOW_SECONDS: Final = 600.0
_SLICES: Final = 10


class TooManyDeadLettersError(WeirError):
    """More of the traffic cannot be processed than is allowed: nothing more is given up on until somebody decides."""

    default_code = Code.DEAD_LETTER_LIMIT


class Allowance:
    """Of the messages of the last ``WINDOW_SECONDS``, at most ``share`` may die; the first ``least`` always may.

    Once that is exceeded it stays so: a consumer that waits sees no better traffic. One stage's, for one thread.
    """

    def __init__(self, share: float, least: int, clock: Callable[[], float] = monotonic) -> None:
        self._share = share
        self._least = least
        self._clock = clock
        self._slices: deque[tuple[int, int, int]] = deque(maxlen=_SLICES)  # number of the slice, messages, dead
        self.exceeded = False

    def count(self, messages: int, dead: int) -> None:
        """So many messages more, of which so many are to become dead letters.

        Raises:
            TooManyDeadLettersError: that is too many. They must not be given up on, nor acknowledged.
        """
        self._add(messages, dead)
        if dead and not self.exceeded:
            every, lost = sum(each[1] for each in self._slices), sum(each[2] for each in self._slices)
            self.exceeded = lost > self._least and lost > self._share * every
        if dead and self.exceeded:
            raise TooManyDeadLettersError(
                f"more than {self._share:.0%} of the messages of {WINDOW_SECONDS / 60:.0f} minutes would become dead "
                "letters; mend what sends or reads them, or raise WEIR_DEAD_LETTER_SHARE, and start again"
            )

    def _add(self, messages: int, dead: int) -> None:
        now = int(self._clock() // (WINDOW_SECONDS / _SLICES))
        while self._slices and self._slices[0][0] <= now - _SLICES:
            self._slices.popleft()
        if self._slices and self._slices[-1][0] == now:
            _, messages_before, dead_before = self._slices.pop()
            messages, dead = messages + messages_before, dead + dead_before
        self._slices.append((now, messages, dead))
