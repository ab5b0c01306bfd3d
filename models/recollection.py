"""A bounded, thread-safe memory of what was computed for a text, keyed by the text's digest."""

import hashlib
from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


def text_digest(text: str) -> bytes:
    """16 bytes of BLAKE2b; any string is legal, lone surrogates included."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Recollection(Generic[Value]):
    """Keeps the most recently used values up to a total weight; 0 keeps nothing. No method blocks for long."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[bytes, tuple[Value, int]] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    @property
    def weight(self) -> int:
        """The total weight of what is kept."""
        return self._weight

    def get(self, key: bytes) -> Value | None:
        """The value kept for ``key``, which becomes the most recent; None when there is none."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: bytes, value: Value, weight: int) -> None:
        """Keep ``value``, dropping the least recent; one heavier than a quarter of the capacity is not kept."""
        if weight * 4 > self._capacity:
            return
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = (value, weight)
            self._weight += weight
            while self._weight > self._capacity:
                _, (_, dropped) = self._kept.popitem(last=False)
                self._weight -= dropped
