"""Whether replies and settlements agree: one final reply to every settled request, and no other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from streams.kafka.offset_ranges import OffsetRange
from streams.kafka.place import Place
from streams.kafka.topic_descriptions import TopicDescription
from streams.store.client import Store
from streams.store.sql import query

Fault = Literal["unanswered", "unsettled", "repeated"]

_EXAMPLES: Final = 20
_SURELY: Final = 0.9  # of the time for which settle remembers: its clock is not the broker's


@dataclass(frozen=True, slots=True)
class FaultyReply:
    """One that does not agree: where the unanswered request stands, or else the reply."""

    fault: Fault
    topic: str
    partition: int
    offset: int
    reply_id: UUID


@dataclass(frozen=True, slots=True)
class ReplyCheck:
    """How many replies are not as promised, and some of each kind.

    ``unanswered``: requests that are settled and have no final reply. ``unsettled``: final replies to requests that
    are not settled by them. ``repeated``: final replies to requests that had one.
    """

    unanswered: int = 0
    unsettled: int = 0
    repeated: int = 0
    examples: tuple[FaultyReply, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every reply is as promised."""
        return not (self.unanswered or self.unsettled or self.repeated)


@dataclass(frozen=True, slots=True)
class ReplyScope:
    """What is checked. ``spans`` are those of all three topics.

    Settlements and replies below the ends of their spans are stored, and each of their transactions is over.
    """

    requests: TopicDescription
    settled: TopicDescription
    replies: TopicDescription
    spans: Mapping[Place, OffsetRange]


def check_replies(store: Store, scope: ReplyScope, remembered_seconds: float) -> ReplyCheck:
    """What does not agree. Settle remembers a request for so many seconds; after that it may answer it again."""
    requests = _spans(scope, scope.requests)
    records = {f"log_{name}": value for name, value in _spans(scope, scope.settled).items()}
    replies = _spans(scope, scope.replies)
    answers: Mapping[Fault, Sequence[Mapping[str, Any]]] = {
        "unanswered": store.select(query("unanswered"), **requests, **records, examples=_EXAMPLES),
        "unsettled": store.select(query("unsettled"), **replies, examples=_EXAMPLES),
        "repeated": store.select(
            query("repeated"), **replies, remembered=int(remembered_seconds * _SURELY), examples=_EXAMPLES
        ),
    }
    totals = {fault: rows[0]["total"] if rows else 0 for fault, rows in answers.items()}
    examples = tuple(
        FaultyReply(fault, row["topic"], row["partition"], row["offset"], row["reply_id"])
        for fault, rows in answers.items()
        for row in rows
    )
    return ReplyCheck(totals["unanswered"], totals["unsettled"], totals["repeated"], examples)


def _spans(scope: ReplyScope, topic: TopicDescription) -> Mapping[str, object]:
    """The query's parameters for a topic: parallel arrays of its partitions and what they hold."""
    spans = [scope.spans[Place(topic.name, number)] for number in range(topic.partitions)]
    return {
        "topic": topic.name,
        "topic_id": topic.topic_id,
        "partitions": list(range(topic.partitions)),
        "firsts": [span.first for span in spans],
        "pasts": [span.past for span in spans],
    }
