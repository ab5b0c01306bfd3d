"""One batch into a store of which each answer is decided here."""

from datetime import timedelta
from uuid import UUID

import pytest

from schemas.codec import Message
from schemas.dead_letter import reason_headers
from schemas.errors import Code, UnavailableError, UnreadableError
from schemas.label import Label
from schemas.topics import Namespace
from streams.metrics import Metrics
from streams.store.batches import Limits, plan
from streams.store.client import RowsRefusedError
from streams.store.deposit import Deposit
from streams.store.shelves import shelves
from tests.fixtures import served_rows
from tests.fixtures.store_rows import NOON, message, verdict

IDS = {
    "weir.verdicts": "v",
    "weir.interactions": "i",
    "weir.interactions.dlq": "d",
    "weir.replies": "r",
    "weir.settled": "s",
    "weir.labels": "l",
}
CANARY = "canary-4711"
MAIN = ("verdicts", "replies", "settlements")


class Sink:
    """Keeps what it is given; refuses rows of some offsets, and is away for some calls."""

    def __init__(self, refuses=(), away=()):
        self.inserts, self.calls = [], 0
        self._refuses, self._away = set(refuses), set(away)

    def insert(self, table, rows, token):
        self.calls += 1
        if self.calls in self._away:
            raise UnavailableError("away")
        if table in MAIN and any(row["log_offset"] in self._refuses for row in rows):
            raise RowsRefusedError("no")
        self.inserts.append((table, [row["log_offset"] for row in rows], token, rows))

    def offsets(self, table):
        return sorted(offset for name, offsets, *_ in self.inserts if name == table for offset in offsets)

    def ledger(self):
        return {row["offset"]: row["outcome"] for name, *_, rows in self.inserts if name == "ledger" for row in rows}


def deposit(sink, messages, metrics=None):
    """Store the messages; the offsets and codes of those given up."""
    given_up = []

    def give_up(refused):
        given_up.extend((each.message.offset, str(each.error.code)) for each in refused)

    (batch,) = plan(messages, Limits())
    Deposit(sink, shelves(Namespace()), IDS, give_up, metrics or Metrics()).store(batch)
    return given_up


def verdicts(count):
    return [message(verdict(f"e{n}", 100 + n), offset=n) for n in range(count)]


def test_the_ledger_comes_last():
    """Rows are stored before the ledger names them."""
    sink = Sink()
    assert deposit(sink, verdicts(3)) == []
    assert [table for table, *_ in sink.inserts] == ["verdicts", "ledger"]
    assert sink.ledger() == {100: "judged", 101: "judged", 102: "judged"}


@pytest.mark.parametrize("refused", [{0}, {7}, {3, 4}, set(range(8)), {0, 2, 4, 6}])
def test_refused_rows_do_not_stop_their_neighbours(refused):
    """Exactly the refused rows become dead letters; the ledger says of each input how it ended."""
    sink = Sink(refuses=refused)
    assert deposit(sink, verdicts(8)) == [(offset, "POISON_ROW") for offset in sorted(refused)]
    assert sink.offsets("verdicts") == sorted(set(range(8)) - refused)
    assert sink.ledger() == {100 + n: "dead" if n in refused else "judged" for n in range(8)}


def test_what_is_no_verdict_becomes_a_dead_letter():
    """A message that cannot be read is given up with its own code, and names no input in the ledger."""
    sink = Sink()
    broken = Message("weir.verdicts", 0, 1, NOON, None, CANARY.encode(), [])
    assert deposit(sink, [verdicts(1)[0], broken]) == [(1, "MALFORMED_JSON")]
    assert sink.offsets("ledger") == [0]


def test_a_store_that_is_away_is_not_the_rows_fault():
    """When the store is away nothing is given up and the ledger is not written; the same tokens come again."""
    sink = Sink(away={2})
    with pytest.raises(UnavailableError):
        deposit(sink, verdicts(2))
    assert [table for table, *_ in sink.inserts] == ["verdicts"]
    deposit(sink, verdicts(2))
    tokens = [token for table, _, token, _ in sink.inserts if table == "verdicts"]
    assert tokens[0] == tokens[1]


def test_dead_letters_that_cannot_be_written_keep_the_ledger_back():
    """If a refused row cannot become a dead letter, its input has not ended yet."""
    sink = Sink(refuses={1})

    def give_up(refused):
        raise UnavailableError("no broker")

    (batch,) = plan(verdicts(2), Limits())
    with pytest.raises(UnavailableError):
        Deposit(sink, shelves(Namespace()), IDS, give_up, Metrics()).store(batch)
    assert sink.offsets("ledger") == []


def test_dead_letters_are_recorded_from_their_headers():
    """A dead letter's row has its reason and size and nothing of key and value; its input has ended."""
    sink = Sink()
    lost = Message("weir.interactions", 0, 55, NOON, CANARY.encode(), CANARY.encode(), [])
    headers = reason_headers(lost, "observe", UnreadableError("not JSON", code=Code.MALFORMED_JSON))
    letter = Message("weir.interactions.dlq", 0, 4, NOON, lost.key, lost.value, headers)
    foreign = Message("weir.interactions.dlq", 0, 5, NOON, None, None, [("x", None)])
    assert deposit(sink, [letter, foreign]) == []
    assert sink.offsets("dead_letters") == [4, 5]
    assert sink.ledger() == {55: "dead"}
    assert CANARY not in repr(sink.inserts)


def test_nothing_is_stored_before_what_stands_before_it():
    """A dead letter is delivered before any row behind it is stored: whoever goes on there passes nothing over."""
    sink, seen = Sink(refuses={2}), []
    broken = Message("weir.settled", 0, 1, NOON, b"k", b"{")
    states = [served_rows.message(served_rows.settlement(f"e{n}", served_rows.at(n)), n) for n in (0, 2, 3)]

    def give_up(refused):
        seen.extend((each.message.offset, sink.offsets("settlements")) for each in refused)

    (batch,) = plan([states[0], broken, *states[1:]], Limits())
    Deposit(sink, shelves(Namespace()), IDS, give_up, Metrics()).store(batch)
    assert seen == [(1, []), (2, [0])]
    assert sink.offsets("settlements") == [0, 3]


def test_every_position_of_a_settlement_goes_into_one_insert():
    """The rows of one message are stored together, and what settle forgets is passed over without a dead letter."""
    sink = Sink()
    record = served_rows.settlement("e1", served_rows.at(4), served_rows.at(8))
    gone = Message("weir.settled", 0, 1, NOON, served_rows.forgotten(record).key, None)
    assert deposit(sink, [served_rows.message(record, 0), gone]) == []
    (insert,) = sink.inserts
    assert (insert[0], [row["offset"] for row in insert[3]]) == ("settlements", [4, 8])


def test_nothing_but_tombstones_is_stored_as_nothing():
    """A batch without rows makes no insert."""
    sink = Sink()
    assert deposit(sink, [Message("weir.settled", 0, 1, NOON, b"k", None)]) == []
    assert sink.inserts == []


@pytest.mark.parametrize("refused", [set(), {1}, {0, 2}])
def test_the_log_of_replies_comes_last_and_has_them_all(refused):
    """A reply that the store refuses is a dead letter, and was written all the same."""
    sink = Sink(refuses=refused)
    replies = [served_rows.message(served_rows.reply(f"e{n}"), n) for n in range(3)]
    assert deposit(sink, replies) == [(offset, "POISON_ROW") for offset in sorted(refused)]
    assert sink.offsets("replies") == sorted({0, 1, 2} - refused)
    assert sink.inserts[-1][:2] == ("reply_log", [0, 1, 2])
    assert CANARY not in repr(sink.inserts)


def test_how_long_readers_took_is_measured():
    """From a review's opening to each answer, wherever it was given; what is skipped or taken back is none."""
    metrics, sink = Metrics(), Sink()
    said = [{"answers": {"pii": True}}, {"skipped": True}, {"undone": True}, {"answers": {"pii": False}}]
    labels = [
        Label(
            label_id=UUID(int=number),
            review_id=UUID(int=9),
            verdict_id=UUID(int=8),
            app="shop",
            by="ann",
            opened_at=NOON,
            labelled_at=NOON + timedelta(seconds=30 * (number + 1)),
            **fields,
        )
        for number, fields in enumerate(said)
    ]
    assert deposit(sink, [served_rows.message(each, n) for n, each in enumerate(labels)], metrics) == []
    value = metrics.registry.get_sample_value
    assert value("weir_review_seconds_sum", {"kind": "label"}) == 30 + 120
    assert value("weir_review_seconds_count", {"kind": "label"}) == 2
