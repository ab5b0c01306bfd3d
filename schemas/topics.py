"""Every topic, once: its key, record, size, retention, and who writes and reads it.

Creation, the AsyncAPI document and the documentation page are made from this table. Names are without the
namespace; ``Namespace`` puts it in front. Every topic that is read has a dead-letter topic beside it.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Literal

from schemas.conversation import Interaction, Request
from schemas.record import Record
from schemas.verdict import Verdict

MIB: Final = 1024 * 1024
DEAD_LETTER_SUFFIX: Final = ".dlq"

Process = Literal["applications", "screen", "observe", "store", "replay"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. ``raw`` topics hold user text as it came in: their retention is a privacy promise.

    ``record`` is None for dead letters, which keep the original bytes. ``key`` says what the message key holds.
    """

    name: str
    record: type[Record] | None
    key: str
    summary: str
    written_by: tuple[Process, ...]
    read_by: tuple[Process, ...]
    raw: bool
    retention: timedelta = timedelta(days=7)
    partitions: int = 4
    cleanup: Literal["delete", "compact"] = "delete"
    max_message_bytes: int = 16 * MIB

    @property
    def type_name(self) -> str:
        """The record's name in event types: ``interaction`` for ``Interaction``."""
        return self.record.__name__.lower() if self.record else ""

    @property
    def config(self) -> dict[str, str]:
        """The broker's settings for the topic. Time stamps are the broker's own: a client's clock may be wrong."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention // timedelta(milliseconds=1)),
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": "LogAppendTime",
        }


def dead_letters(topic: Topic) -> Topic:
    """The dead-letter topic of a topic: the original bytes, headers and key, and why."""
    return replace(
        topic,
        name=topic.name + DEAD_LETTER_SUFFIX,
        record=None,
        key="as received",
        summary=f"Messages of `{topic.name}` that no stage could read or store, byte for byte, with the reason.",
        written_by=topic.read_by,
        read_by=("store", "replay"),
        retention=timedelta(days=14),
        partitions=1,
        max_message_bytes=topic.max_message_bytes + MIB,  # room for the reason headers
    )


REQUESTS: Final = Topic(
    name="requests",
    record=Request,
    key="conversation",
    summary="Prompts that want an answer from a model.",
    written_by=("applications", "replay"),
    read_by=("screen",),
    raw=True,
)
INTERACTIONS: Final = Topic(
    name="interactions",
    record=Interaction,
    key="conversation",
    summary="Prompts with the responses that an application's own model gave.",
    written_by=("applications", "replay"),
    read_by=("observe",),
    raw=True,
)
VERDICTS: Final = Topic(
    name="verdicts",
    record=Verdict,
    key="conversation",
    summary="What a stage found in an event and what the policy made of it; personal data and secrets masked.",
    written_by=("screen", "observe"),
    read_by=("store",),
    raw=False,
    max_message_bytes=64 * MIB,  # a request's text, escaped, with its findings
)

SOURCES: Final = (REQUESTS, INTERACTIONS, VERDICTS)
DEAD_LETTERS: Final = tuple(map(dead_letters, SOURCES))
TOPICS: Final = SOURCES + DEAD_LETTERS


@dataclass(frozen=True, slots=True)
class Namespace:
    """The prefix that lets several installations share a cluster."""

    prefix: str = "weir"

    def of(self, topic: Topic) -> str:
        """The topic's name on the broker."""
        return f"{self.prefix}.{topic.name}"

    def dead_letters_of(self, topic: Topic) -> str:
        """The name on the broker of the topic's dead letters."""
        return f"{self.of(topic)}{DEAD_LETTER_SUFFIX}"

    def find(self, name: str) -> Topic | None:
        """The topic with this name, with or without the namespace; None if there is none."""
        bare = name.removeprefix(f"{self.prefix}.")
        return next((topic for topic in TOPICS if topic.name == bare), None)
