"""Guards made to fit a policy: with its own patterns, countries or canaries."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final, TypeAlias

from guards.guard import Guard
from schemas.policy import Policy

_MOST: Final = 64  # fitted guards that are kept; more policies than that are not in force at once


@dataclass(frozen=True, slots=True)
class Fit:
    """What a policy asks of a guard, and how a guard that does it is made of one that does not."""

    wish: Hashable
    make: Callable[[Guard], Guard]


Tailor: TypeAlias = Callable[[Policy], Fit | None]
"""What a policy asks of a guard; None for nothing."""


class Tailoring:
    """Keeps fitted guards, so that policies that ask the same share one. Thread-safe."""

    def __init__(self, tailors: Mapping[str, Tailor]) -> None:
        self._tailors = tailors
        self._made: OrderedDict[tuple[Guard, Hashable], Guard] = OrderedDict()
        self._lock = Lock()

    def fitted(self, guard: Guard, policy: Policy) -> Guard:
        """The guard, or one made of it that does what the policy asks."""
        tailor = self._tailors.get(guard.name)
        fit = tailor(policy) if tailor else None
        if fit is None:
            return guard
        key = (guard, fit.wish)
        with self._lock:
            made = self._made.pop(key, None) or fit.make(guard)
            self._made[key] = made
            while len(self._made) > _MOST:
                self._made.popitem(last=False)
        return made
