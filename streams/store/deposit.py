"""One batch into the store: rows first, the refused to the dead letters, and the ledger last.

The order is the promise. What the ledger names is stored; what is stored may not be in the ledger yet, and is then
sent again, which changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.codec import Message, decode
from schemas.dead_letter import read_reason
from schemas.errors import UnreadableError, WeirError
from schemas.topics import DEAD_LETTER_SUFFIX
from schemas.verdict import Verdict
from streams.logs import get_logger
from streams.metrics import Metrics
from streams.store.batches import Batch
from streams.store.client import RowSink, RowsRefusedError, Values
from streams.store.rows import dead_entry, dead_letter_row, judged_entry, log_values, refused_entry, verdict_row

STAGE: Final = "store"
_log = get_logger("streams.store")

GiveUp = Callable[[Sequence["Refused"]], None]


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that cannot be stored, and why."""

    message: Message
    error: WeirError


@dataclass(frozen=True, slots=True)
class Entry:
    """A row, the message that it was made from, and what the ledger says if it is stored and if it is refused."""

    message: Message
    row: Values = field(repr=False)
    stored: Values | None = field(repr=False)
    refused: Values | None = field(repr=False, default=None)


class Deposit:
    """Stores batches. ``topic_ids`` are those of the topics by name; ``give_up`` writes dead letters, or raises.

    Storing the same batch again, wholly or in other pieces, changes no figure of the store's views.
    """

    def __init__(self, sink: RowSink, topic_ids: Mapping[str, str], give_up: GiveUp, metrics: Metrics) -> None:
        self._sink = sink
        self._topic_ids = topic_ids
        self._give_up = give_up
        self._metrics = metrics

    def store(self, batch: Batch) -> None:
        """Store every message of the batch or write a dead letter for it.

        Raises:
            UnavailableError: the store or the broker does not answer; some of it may be stored.
        """
        if batch.topic.endswith(DEAD_LETTER_SUFFIX):
            entries = self._dead_letters(batch)
            refused = self._insert(batch, "dead_letters", entries)
            # The table takes any dead letter; if it ever does not, there is nowhere left to put it.
            _report(refused, "dead_letters")
        else:
            entries, unreadable = self._verdicts(batch)
            refused = self._insert(batch, "verdicts", entries)
            self._give_up([*unreadable, *refused])
        lost = {each.message.offset for each in refused}
        ledger = [
            Entry(entry.message, row, None)
            for entry in entries
            if (row := entry.refused if entry.message.offset in lost else entry.stored) is not None
        ]
        _report(self._insert(batch, "ledger", ledger), "ledger")

    def _verdicts(self, batch: Batch) -> tuple[list[Entry], list[Refused]]:
        topic_id = self._topic_ids[batch.topic]
        entries: list[Entry] = []
        unreadable: list[Refused] = []
        for message in batch.messages:
            try:
                verdict = decode(message, Verdict, "verdict").record
            except UnreadableError as error:
                unreadable.append(Refused(message, error))
                continue
            log = log_values(message, topic_id)
            row = verdict_row(verdict, log)
            entries.append(Entry(message, row, judged_entry(verdict, log), refused_entry(verdict, log)))
        return entries, unreadable

    def _dead_letters(self, batch: Batch) -> list[Entry]:
        """Rows from the headers alone: whatever the value holds, the dead letter is recorded."""
        entries: list[Entry] = []
        for message in batch.messages:
            reason = read_reason(message.headers)
            log = log_values(message, self._topic_ids[batch.topic])
            origin = self._topic_ids.get(reason.topic)
            row = dead_letter_row(reason, origin or "", len(message.value or b""), log)
            # Without a position of ours in its headers it ended no input.
            entries.append(Entry(message, row, dead_entry(reason, origin, log) if origin else None))
        return entries

    def _insert(self, batch: Batch, table: str, entries: Sequence[Entry]) -> list[Refused]:
        """Insert the rows, without those that the store refuses even alone, which are returned."""
        if not entries:
            return []
        token = batch.token(self._topic_ids[batch.topic], table, [entry.message for entry in entries])
        try:
            with self._metrics.insert_seconds.labels(table).time():
                self._sink.insert(table, [entry.row for entry in entries], token)
        except RowsRefusedError as error:
            if len(entries) == 1:
                return [Refused(entries[0].message, error)]
            middle = len(entries) // 2
            return [*self._insert(batch, table, entries[:middle]), *self._insert(batch, table, entries[middle:])]
        self._metrics.rows.labels(table).inc(len(entries))
        return []


def _report(refused: Sequence[Refused], table: str) -> None:
    for each in refused:
        _log.error(
            "row refused",
            table=table,
            topic=each.message.topic,
            partition=each.message.partition,
            offset=each.message.offset,
            code=str(each.error.code),
        )
