"""Which ids slots remember already: what a network makes of an id depends on nothing but the ids before it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

BLOCK: Final = 32
"""Ids are compared, and taken over, by so many: every chat of a model begins with the same few, which save nothing."""


@dataclass(frozen=True, slots=True)
class Held:
    """The ids that a slot remembers, and whose they are."""

    owner: str
    ids: Sequence[int] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """The first ``length`` ids are in ``slot``."""

    slot: int
    length: int


class Prefixes:
    """The beginnings that some slots hold, at one moment."""

    def __init__(self, held: Mapping[int, Held]) -> None:
        self._held = held
        self._slots = {mark: slot for slot, each in held.items() for mark in _marks(each)}

    def longest(self, wanted: Held) -> Found | None:
        """Where most of the beginning is; None if no slot of the owner's holds a whole block of it."""
        found = None
        for number, mark in enumerate(_marks(wanted), start=1):
            slot = self._slots.get(mark)
            if slot is None:
                break
            length = number * BLOCK
            held = self._held[slot]
            # A mark may stand for others by chance, or because somebody has looked for such: they are compared.
            if held.owner == wanted.owner and held.ids[:length] == wanted.ids[:length]:
                found = Found(slot, length)
        return found


def _marks(held: Held) -> Iterator[int]:
    """A mark of each whole block and all before it."""
    mark = hash(held.owner)
    for start in range(0, len(held.ids) - BLOCK + 1, BLOCK):
        mark = hash((mark, *held.ids[start : start + BLOCK]))
        yield mark
