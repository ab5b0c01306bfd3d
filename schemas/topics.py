"""Every topic, once: its key, record, size, retention, and who writes and reads it.

Creation, the AsyncAPI document and the documentation page are made from this table. Names are without the
namespace; ``Namespace`` puts it in front. Every topic that a process of ours reads has a dead-letter topic beside it.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Literal

from schemas.alert import Alert
from schemas.conversation import Interaction, Request
from schemas.feedback import Feedback, Opinion
from schemas.forgotten import Forgotten
from schemas.label import Label, Lease
from schemas.monitoring import MonitorState
from schemas.notification import Notice, Silence
from schemas.policy_release import PolicyRelease
from schemas.record import Record
from schemas.reply import Outcome, Reply, Settlement
from schemas.review import Cancel, Decision, Review
from schemas.sampling import SamplingPlan
from schemas.stream import Chunk, Draft
from schemas.vault import VaultRecord
from schemas.verdict import Verdict
from schemas.work import Completion, Work

MIB: Final = 1024 * 1024
SEGMENT_ROLL: Final = timedelta(days=1)
"""How much longer than its retention a raw message may stay: the broker deletes whole segments of so much time."""
DEAD_LETTER_SUFFIX: Final = ".dlq"

_WITH_FINDINGS: Final = 64 * MIB  # a request's text, escaped, with what was found in it

Process = Literal[
    "applications", "screen", "infer", "engines", "stream", "judge", "observe", "collect", "settle", "store", "survey",
    "monitor", "notify", "replay", "reviewers", "operators",
]  # fmt: skip
OUTSIDE: Final[frozenset[Process]] = frozenset({"applications", "engines", "reviewers", "operators"})
"""Who is no process of ours: an application, an engine of one's own in infer's place, and people."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. ``raw`` topics hold user text as it came in: their retention is a privacy promise.

    ``record`` is None for dead letters, which keep the original bytes. ``key`` says what the message key holds.
    Of a compacted topic every message stays for ``compaction_lag``, and a replaced one ``compacted_within`` at most.
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
    cleanup: Literal["delete", "compact", "compact,delete"] = "delete"
    compaction_lag: timedelta = timedelta(0)
    compacted_within: timedelta | None = None
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
            **self._compaction,
            **({"segment.ms": str(SEGMENT_ROLL // timedelta(milliseconds=1))} if self.raw else {}),
        }

    @property
    def _compaction(self) -> dict[str, str]:
        if "compact" not in self.cleanup:
            return {}
        lags = {"min.compaction.lag.ms": self.compaction_lag, "max.compaction.lag.ms": self.compacted_within}
        return {name: str(lag // timedelta(milliseconds=1)) for name, lag in lags.items() if lag is not None}


def dead_letters(topic: Topic) -> Topic:
    """The dead-letter topic of a topic: the original bytes, headers and key, and why."""
    return replace(
        topic,
        name=topic.name + DEAD_LETTER_SUFFIX,
        record=None,
        key="as received",
        summary=f"Messages of `{topic.name}` that no stage could read or store, byte for byte, with the reason.",
        written_by=tuple(process for process in topic.read_by if process not in OUTSIDE),
        # A reviewer is told that there was nothing to decide about; applications must not read what others wrote.
        read_by=("store", "replay", *(process for process in topic.written_by if process == "reviewers")),
        retention=timedelta(days=14),
        partitions=1,
        cleanup="delete",
        compaction_lag=timedelta(0),
        compacted_within=None,
        max_message_bytes=topic.max_message_bytes + MIB,  # room for the reason headers
    )


REQUESTS: Final = Topic(
    name="requests",
    record=Request,
    key="conversation",
    summary="Prompts that want an answer from a model.",
    written_by=("applications", "replay"),
    read_by=("screen", "settle"),
    raw=True,
)
WORK_INTERACTIVE: Final = Topic(
    name="work.interactive",
    record=Work,
    key="conversation",
    summary="Requests as the policy lets the model see them.",
    written_by=("screen", "settle"),
    read_by=("infer", "engines"),
    raw=True,
    max_message_bytes=_WITH_FINDINGS,
)
WORK_BULK: Final = replace(WORK_INTERACTIVE, name="work.bulk", summary="The same, of requests that are in no hurry.")
COMPLETIONS: Final = Topic(
    name="completions",
    record=Completion,
    key="conversation",
    summary="What the model, or an engine of one's own in its place, made of some work.",
    written_by=("infer", "engines", "stream", "replay"),
    read_by=("judge",),
    raw=True,
    max_message_bytes=_WITH_FINDINGS,
)
DRAFTS: Final = Topic(
    name="drafts",
    record=Draft,
    key="conversation",
    summary="Answers that are streamed, piece by piece as the model makes them, each with its completion at the end.",
    written_by=("infer", "replay"),
    read_by=("stream",),
    raw=True,
    retention=timedelta(days=1),
    max_message_bytes=_WITH_FINDINGS,
)
TOKENS: Final = Topic(
    name="tokens",
    record=Chunk,
    key="conversation",
    summary="The same answers as far as they may be read already: judged piece by piece. The reply has the last word.",
    written_by=("stream",),
    read_by=("applications",),
    raw=True,
    retention=timedelta(days=1),
)
OUTCOMES: Final = Topic(
    name="outcomes",
    record=Outcome,
    key="conversation",
    summary="What a stage would answer; the first one of a request becomes its reply.",
    written_by=("screen", "judge"),
    read_by=("settle",),
    raw=True,
    max_message_bytes=_WITH_FINDINGS,
)
SETTLED: Final = Topic(
    name="settled",
    record=Settlement,
    key="request key",
    summary="The state of every request, from which settle continues after any end.",
    written_by=("settle",),
    read_by=("settle", "store", "reviewers"),
    raw=False,
    partitions=1,  # who is given it is the one that settles
    cleanup="compact",
    compaction_lag=timedelta(days=1),  # the store reads every state, not only the last
)
REPLIES: Final = Topic(
    name="replies",
    record=Reply,
    key="conversation",
    summary="Exactly one final reply to every request. Read it with `isolation.level=read_committed`.",
    written_by=("settle",),
    read_by=("applications", "store"),
    raw=True,
    max_message_bytes=_WITH_FINDINGS,
)
CANCELS: Final = Topic(
    name="cancels",
    record=Cancel,
    key="conversation",
    summary="Requests whose answers are no longer wanted.",
    written_by=("applications", "stream", "replay"),
    read_by=("settle", "infer"),
    raw=True,  # none is meant to be in it, but applications write what they like
)
REVIEWS: Final = Topic(
    name="reviews",
    record=Review,
    key="review id",
    summary="What people are to read: what is held, and the sample; personal data and secrets masked.",
    written_by=("screen", "judge", "observe"),
    read_by=("store", "reviewers"),
    raw=False,
    max_message_bytes=_WITH_FINDINGS,
)
DECISIONS: Final = Topic(
    name="decisions",
    record=Decision,
    key="review id",
    summary="What people decided about reviews; the first decision about a hold counts.",
    written_by=("reviewers", "replay"),
    read_by=("settle",),
    raw=True,
    partitions=1,  # the first in log order counts
)
SAMPLING: Final = Topic(
    name="sampling",
    record=SamplingPlan,
    key="policy id",
    summary="By how much the rates of the review sample are lowered, and from when on.",
    written_by=("survey",),
    read_by=("screen", "judge", "observe", "store"),
    raw=False,
    retention=timedelta(days=30),  # longer than any event, dead letters included, may be judged again
    partitions=1,  # the first in log order counts
)
LABELS: Final = Topic(
    name="labels",
    record=Label,
    key="review id",
    summary="What people say of reviews; notes masked. Of one person's labels of a review the last one counts.",
    written_by=("reviewers",),
    read_by=("store",),
    raw=False,
)
LEASES: Final = Topic(
    name="leases",
    record=Lease,
    key="review id",
    summary="Who has which review to themselves, and until when.",
    written_by=("reviewers",),
    read_by=("reviewers",),
    raw=False,
    retention=timedelta(days=1),  # six times as long as the longest lease
    partitions=1,  # the first in log order has it
)
VAULT: Final = Topic(
    name="vault",
    record=VaultRecord,
    key="subject and id",
    summary="Raw texts and placeholders, encrypted under one subject's data key each.",
    written_by=("screen", "judge", "observe", "operators"),
    read_by=("operators",),
    raw=False,
    retention=timedelta(days=30),
    cleanup="compact,delete",
    compacted_within=timedelta(days=1),  # what is forgotten must not stay on a disk for long
    max_message_bytes=_WITH_FINDINGS,
)
POLICIES: Final = Topic(
    name="policies",
    record=PolicyRelease,
    key="policy id",
    summary="Versions of policies: in force, on trial, and before.",
    written_by=("operators",),
    read_by=("screen", "judge", "observe", "settle", "survey"),
    raw=False,
    partitions=1,
    cleanup="compact",
)
FORGOTTEN: Final = Topic(
    name="forgotten",
    record=Forgotten,
    key="subject",
    summary="Users and conversations that were forgotten: what they sent before is dropped wherever it is met again.",
    written_by=("operators",),
    read_by=("screen", "judge", "observe", "collect", "store", "replay", "operators"),
    raw=False,
    partitions=1,
    cleanup="compact",
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
FEEDBACK: Final = Topic(
    name="feedback",
    record=Feedback,
    key="conversation",
    summary="What people say of answers: a thumb, a rating, a reason, a comment.",
    written_by=("applications", "replay"),
    read_by=("collect",),
    raw=True,
)
OPINIONS: Final = Topic(
    name="opinions",
    record=Opinion,
    key="conversation",
    summary="The same feedback with its comments judged; personal data and secrets masked.",
    written_by=("collect",),
    read_by=("store", "monitor"),
    raw=False,
)
VERDICTS: Final = Topic(
    name="verdicts",
    record=Verdict,
    key="conversation",
    summary="What a stage found in an event and what the policy made of it; personal data and secrets masked.",
    written_by=("screen", "judge", "observe", "settle"),
    read_by=("store", "monitor"),
    raw=False,
    max_message_bytes=_WITH_FINDINGS,
)
ALERTS: Final = Topic(
    name="alerts",
    record=Alert,
    key="fingerprint",
    summary="What the monitor says of an app; the latest of a fingerprint counts. No text, only ids.",
    written_by=("monitor", "operators"),
    read_by=("store", "notify", "operators"),
    raw=False,
    retention=timedelta(days=90),
    partitions=1,  # few, and in one order
    cleanup="compact,delete",
    compaction_lag=timedelta(days=1),  # the store reads every state, not only the last
)
SILENCES: Final = Topic(
    name="silences",
    record=Silence,
    key="silence id",
    summary="Alerts that people do not want to be told of, and those that somebody has taken on.",
    written_by=("operators",),
    read_by=("notify", "operators"),
    raw=False,  # a reason is an operator's own, and stays on this topic
    retention=timedelta(days=90),
    partitions=1,
    cleanup="compact,delete",
    compaction_lag=timedelta(days=1),
)
NOTICES: Final = Topic(
    name="notices",
    record=Notice,
    key="target and fingerprint",
    summary="Who was told of which alert, and who could not be; from it the notifier continues after any end.",
    written_by=("notify",),
    read_by=("notify", "store", "operators"),
    raw=False,
    retention=timedelta(days=90),
    partitions=1,
    cleanup="compact,delete",
    compaction_lag=timedelta(days=1),
)
MONITOR_STATE: Final = Topic(
    name="monitor-state",
    record=MonitorState,
    key="app and series",
    summary="The state of every series that is watched, from which the monitor continues after any end.",
    written_by=("monitor",),
    read_by=("monitor", "store"),
    raw=False,
    partitions=1,  # who is given it is the one that watches
    cleanup="compact",
    compaction_lag=timedelta(days=1),
)

STATE: Final = (VAULT, POLICIES, FORGOTTEN, LEASES)
"""Internal topics that are looked things up in: nothing in them becomes a dead letter."""

WORK: Final = (WORK_INTERACTIVE, WORK_BULK)
SOURCES: Final = (
    REQUESTS, *WORK, DRAFTS, TOKENS, COMPLETIONS, OUTCOMES, SETTLED, REPLIES, CANCELS, REVIEWS, DECISIONS, INTERACTIONS,
    FEEDBACK, OPINIONS, VERDICTS, LABELS, SAMPLING, ALERTS, SILENCES, NOTICES,
    MONITOR_STATE,
)  # fmt: skip
DEAD_LETTERS: Final = tuple(dead_letters(topic) for topic in SOURCES if set(topic.read_by) - OUTSIDE)
TOPICS: Final = SOURCES + STATE + DEAD_LETTERS


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
