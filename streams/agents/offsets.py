"""Which offset of a partition may be committed."""

from heapq import heappop, heappush


class PartitionLedger:
    """The offsets of one partition that were delivered, and how far they are acknowledged without a gap.

    Only what was delivered counts, so offsets that never arrive (transaction markers, aborted or compacted
    messages) leave no gap. Acknowledgements may come in any order. Not thread-safe.
    """

    def __init__(self) -> None:
        self._acknowledged: dict[int, bool] = {}  # delivered, not yet part of the prefix
        self._order: list[int] = []  # the same offsets, as a heap: a seek may deliver an earlier one again
        self._position: int | None = None

    def deliver(self, offset: int) -> None:
        """Note that the offset was handed out. Again, or once it is behind the position: nothing happens."""
        if offset in self._acknowledged or (self._position is not None and offset < self._position):
            return
        self._acknowledged[offset] = False
        heappush(self._order, offset)

    def acknowledge(self, offset: int) -> bool:
        """Note that the offset is done, and say whether that was news. One never delivered is ignored."""
        if self._acknowledged.get(offset) is not False:
            return False
        self._acknowledged[offset] = True
        return True

    def position(self) -> int | None:
        """One past the last offset before the first delivered one that is not done; None if there is none."""
        while self._order and self._acknowledged[self._order[0]]:
            offset = heappop(self._order)
            del self._acknowledged[offset]
            self._position = offset + 1
        return self._position

    def ahead(self) -> list[int]:
        """What is done beyond the position, in order."""
        return sorted(offset for offset, done in self._acknowledged.items() if done and offset >= self._order[0])

    def first_open(self) -> int | None:
        """The first delivered offset that is not done; None if all are."""
        self.position()
        return self._order[0] if self._order else None
