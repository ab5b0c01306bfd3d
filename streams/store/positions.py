"""Where the writer goes on reading, by what is stored and what is committed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.errors import IntegrityError
from streams.store.client import Store
from streams.store.sql import query


@dataclass(frozen=True, slots=True)
class Stored:
    """The highest offset stored of one partition of a topic with this id."""

    topic: str
    topic_id: str
    partition: int
    last_offset: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of topics: highest offsets, and the ids that it may go on with (by topic)."""

    stored: tuple[Stored, ...]
    accepted: Mapping[str, frozenset[str]]

    def check(self, topic: str, topic_id: str) -> None:
        """Refuse a topic that was deleted and created again: its offsets mean other messages than those stored.

        Raises:
            IntegrityError: rows of the topic are stored, none of them of this id, and nobody accepted the new one.
        """
        ids = {row.topic_id for row in self.stored if row.topic == topic}
        if ids and topic_id not in ids | self.accepted.get(topic, frozenset()):
            raise IntegrityError("the topic was created anew since its messages were stored", field=topic)

    def resume(self, topic: str, topic_id: str, partition: int, committed: int | None) -> int | None:
        """The offset to go on at: past what is stored and past what is committed; None where there is neither."""
        place = (topic, topic_id, partition)
        after = [row.last_offset + 1 for row in self.stored if (row.topic, row.topic_id, row.partition) == place]
        return max([*after, *([] if committed is None else [committed])], default=None)


def read_known(store: Store) -> Known:
    """What the store knows of topics at this moment."""
    stored = tuple(
        Stored(row["topic"], row["topic_id"], row["partition"], row["last_offset"])
        for row in store.select(query("stored_positions"))
    )
    return Known(stored, _by_topic((row["topic"], row["topic_id"]) for row in store.select(query("accepted_topics"))))


def accept_topic(store: Store, topic: str, topic_id: str) -> None:
    """Let the writer go on with a topic that was created anew. The rows of the old one stay, under its id."""
    row = {"topic": topic, "topic_id": topic_id}
    store.insert("accepted_topics", [row], token=f"{topic}/{topic_id}")


def _by_topic(pairs: Iterable[tuple[str, str]]) -> Mapping[str, frozenset[str]]:
    known: dict[str, frozenset[str]] = {}
    for topic, topic_id in pairs:
        known[topic] = known.get(topic, frozenset()) | {topic_id}
    return known
