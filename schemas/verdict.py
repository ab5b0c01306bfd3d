"""What Weir says of an event: findings, the judgement of each side, and the verdict that records them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from schemas.actions import Action
from schemas.record import Identifier, KeepDays, Record
from schemas.serving import Provenance
from schemas.traffic import traffic_headers

Stage = Literal["screen", "judge", "observe", "settle"]
Kind = Literal["match", "score", "error"]
Origin = Literal["echo", "leak"]
"""Whether a value in a response was given in the conversation or its context, or appears from nowhere."""
Fraction = Annotated[float, Field(ge=0, le=1)]
PartitionNumber = Annotated[int, Field(ge=0, lt=2**31)]  # as wide as Kafka's own
Offset = Annotated[int, Field(ge=0, lt=2**63)]


class Finding(Record):
    """One thing that a guard found past its threshold, or could not do (kind ``error``: no score).

    ``start`` and ``end`` are code points of the side's original text, null without a span. A score is past its
    threshold when it is at least as high; for relevance and groundedness, when it is lower. ``origin`` is that of a
    span in a response: given before, or from nowhere.
    """

    guard: str
    label: str
    kind: Kind
    score: Fraction | None
    threshold: Fraction | None
    action: Action
    start: int | None
    end: int | None
    origin: Origin | None = None


class SideJudgement(Record):
    """One text judged. ``scores`` holds every score that applies to the side; null beside a finding of kind error.

    ``text`` is the text with every piece of personal data and every secret replaced by ``<LABEL>``. A list of chat
    messages is judged message by message and reported as one text, the contents joined by a newline. ``language`` is
    that of most of what is not the application's own (ISO 639), null where it cannot be told. ``topic`` is what the
    text (of messages, the last) is about, ``novelty`` how far it is from all topics known: one less a cosine; null
    where no guard needed the text's vector, or its language is none that the encoder knows.
    """

    action: Action
    scores: dict[str, Fraction | None]
    findings: tuple[Finding, ...]
    text: str = Field(repr=False)
    language: Identifier | None = None
    topic: Identifier | None = None
    novelty: Fraction | None = None


class Judgement(Record):
    """An exchange judged; its action is that of the worst side. A side that was not given is null."""

    action: Action
    prompt: SideJudgement | None = None
    response: SideJudgement | None = None
    context: tuple[SideJudgement, ...] | None = None

    def findings(self) -> Iterator[Finding]:
        """Every finding, side by side."""
        for side in (self.prompt, self.response, *(self.context or ())):
            yield from side.findings if side else ()


class PolicyReference(Record):
    """Which policy judged: its id, its version and the hash of its content."""

    id: Identifier
    version: int
    hash: str


class Position(Record):
    """Where an event stands in Kafka. ``time`` is the broker's LogAppendTime."""

    topic: str
    topic_id: str
    partition: PartitionNumber
    offset: Offset
    time: datetime


class Verdict(Record):
    """The judgement of one event at one stage, with all that is needed to explain and to recompute it.

    ``verdict_id`` is derived (``schemas.ids``): the same event at the same stage has the same id whenever and
    however often it is judged. ``code`` says why an event could not be judged as a whole, ``field`` what is at
    fault. ``review_probability`` is the chance that the event had of being sampled for review: ``review_rate``, the
    policy's for ``review_stratum``, or less where people had enough to read. ``keep_days`` is for how long the app's
    policy lets the store keep it.
    """

    verdict_id: UUID
    stage: Stage
    run: str = "live"
    app: Identifier
    user: Identifier | None = None
    conversation_id: Identifier
    source: Identifier
    source_event_id: Identifier
    event_time: datetime
    position: Position
    judged_at: datetime
    judgement: Judgement
    code: str | None = None
    field: str | None = None
    model: Identifier | None = None
    provenance: Provenance | None = None
    policy: PolicyReference | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    review_stratum: Identifier | None = None
    review_rate: Fraction = 0.0
    review_probability: Fraction = 0.0
    review_sampled: bool = False
    keep_days: KeepDays | None = None
    guard_seconds: Annotated[float, Field(ge=0)] = 0.0
    traceparent: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it is of the app's traffic: trials and contradictions are not."""
        return self.run == "live" and self.stage != "settle"

    def headers_beside(self) -> Mapping[str, str]:
        """Whose traffic it is, and of when."""
        return traffic_headers(self.app, self.position.time, self.event_time, counts=self.counts)
