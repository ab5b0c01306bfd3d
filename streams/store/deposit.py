"""One batch into the store: rows first, the refused to the dead letters, and the notes last.

The order is the promise. Whatever stands before a stored row in its partition is stored too or a dead letter, so that
a writer may go on after the highest offset that it finds. What the notes name (the ledger, the log of replies) is
stored; what is stored may not be in them yet, and is then sent again, which changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.codec import Message
from schemas.errors import UnreadableError, WeirError
from streams.erasure.erasures import Erasures, Forgets
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.store.batches import Batch
from streams.store.client import RowSink, RowsRefusedError
from streams.store.shelves import Entry, Shelf, TopicIds

STAGE: Final = "store"
_log = get_logger("streams.store")

GiveUp = Callable[[Sequence["Refused"]], None]


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that cannot be stored, and why."""

    message: Message
    error: WeirError


class Deposit:
    """Stores batches. ``topic_ids`` are those of the topics by name; ``give_up`` writes dead letters, or raises.

    Of what ``forgets`` covers only notes are stored. Storing the same batch again, wholly or in other pieces, changes
    no figure of the store's views.
    """

    def __init__(
        self,
        sink: RowSink,
        shelves: Mapping[str, Shelf],
        topic_ids: TopicIds,
        give_up: GiveUp,
        metrics: Metrics,
        forgets: Forgets | None = None,
    ) -> None:
        self._forgets = forgets or Erasures()
        self._sink = sink
        self._shelves = shelves
        self._topic_ids = topic_ids
        self._give_up = give_up
        self._metrics = metrics

    def store(self, batch: Batch) -> None:
        """Store every message of the batch or write a dead letter for it.

        Raises:
            UnavailableError: the store or the broker does not answer; some of it may be stored.
        """
        shelf = self._shelves[batch.topic]
        entries, unreadable = self._read(batch, shelf)
        if unreadable:
            self._give_up(unreadable)
        # The table of dead letters takes any; if it ever does not, there is nowhere left to put it.
        give_up = self._reporting(shelf.table) if shelf.last_resort else self._give_up
        lost = self._insert(batch, shelf.table, [entry for entry in entries if entry.rows], give_up)
        if shelf.notes:
            self._insert(batch, shelf.notes, _notes(entries, lost), self._reporting(shelf.notes))

    def _read(self, batch: Batch, shelf: Shelf) -> tuple[list[Entry], list[Refused]]:
        entries: list[Entry] = []
        unreadable: list[Refused] = []
        for message in batch.messages:
            try:
                entries.append(shelf.entry(message, self._topic_ids, self._forgets))
            except UnreadableError as error:
                unreadable.append(Refused(message, error))
        return entries, unreadable

    def _insert(self, batch: Batch, table: str, entries: Sequence[Entry], give_up: GiveUp) -> frozenset[int]:
        """Insert the rows in offset order, giving up those that the store refuses even alone; their offsets."""
        if not entries:
            return frozenset()
        token = batch.token(self._topic_ids[batch.topic], table, [entry.message for entry in entries])
        rows = [row for entry in entries for row in entry.rows]
        try:
            with self._metrics.insert_seconds.labels(table).time():
                self._sink.insert(table, rows, token)
        except RowsRefusedError as error:
            if len(entries) == 1:
                # Before anything that stands behind it is stored: a writer that goes on there would pass it over.
                give_up([Refused(entries[0].message, error)])
                return frozenset([entries[0].message.offset])
            middle = len(entries) // 2
            first, second = entries[:middle], entries[middle:]
            return self._insert(batch, table, first, give_up) | self._insert(batch, table, second, give_up)
        self._metrics.rows.labels(table).inc(len(rows))
        for entry in entries:
            if entry.waited is not None:
                self._metrics.review_seconds.labels("label").observe(max(0.0, entry.waited))
        return frozenset()

    def _reporting(self, table: str) -> GiveUp:
        """Giving up what cannot become a dead letter: nothing is left to do but say so."""

        def report(refused: Sequence[Refused]) -> None:
            for each in refused:
                _log.error(
                    "row refused",
                    table=table,
                    topic=each.message.topic,
                    partition=each.message.partition,
                    offset=each.message.offset,
                    code=str(each.error.code),
                )

        return report


def _notes(entries: Sequence[Entry], lost: frozenset[int]) -> list[Entry]:
    """What is noted of the messages; of those at the offsets ``lost``, that they were refused."""
    return [
        Entry(entry.message, (note,))
        for entry in entries
        if (note := entry.refused if entry.message.offset in lost else entry.stored) is not None
    ]
