"""What the monitor remembers of the series that it watches, and how far it has read for that."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.record import Identifier, Record
from schemas.verdict import Offset, PartitionNumber

Phase = Literal["learning", "watching", "silent"]


class SeriesBin(Record):
    """One closed bin of a series. ``number`` counts bins since 1970; ``expected`` is null while it learns.

    ``evidence`` is the mean of the lanes', as it was before any page of this bin began it anew.
    """

    number: int
    events: Annotated[int, Field(ge=0)]
    total: float
    conversations: Annotated[int, Field(ge=0)]
    sum_of_means: float
    sum_of_squares: float
    expected: float | None = None
    evidence: float | None = None


class SeriesState(Record):
    """Everything about one series after its last closed bin. ``closed`` are the bins closed since the record before.

    ``learnt`` is the share of the reference that there is, ``level`` the mean that it taught, ``margin`` how far from
    it the proven promise reaches. ``memory`` is the monitor's own: numbers, segments and ids, no text.
    """

    app: Identifier
    series: Identifier
    phase: Phase
    bin_seconds: float
    closed: tuple[SeriesBin, ...] = ()
    learnt: float = 0.0
    level: float | None = None
    margin: float | None = None
    visible_shift: float | None = None
    threshold: float | None = None
    memory: dict[str, Any] = Field(default_factory=dict, repr=False)


class PartitionProgress(Record):
    """How far one partition of an input was read. ``resume`` is the first offset that an open bin still needs.

    ``watermark`` and ``resume_watermark`` are the latest time of traffic (milliseconds) before ``next`` and before
    ``resume``; ``late`` and ``repeated`` count what came after its bin was closed, and what had come before.
    """

    topic: Identifier
    topic_id: str
    partition: PartitionNumber
    next: Offset
    resume: Offset
    watermark: int | None = None
    resume_watermark: int | None = None
    late: Annotated[int, Field(ge=0)] = 0
    repeated: Annotated[int, Field(ge=0)] = 0


class MonitorProgress(Record):
    """How far a shard of the monitor has come: the last bin that was closed, and every partition."""

    shard: Annotated[int, Field(ge=0)] = 0
    shards: Annotated[int, Field(ge=1)] = 1
    bin_seconds: float
    clock: Literal["arrival", "event"]
    closed: int | None = None
    partitions: tuple[PartitionProgress, ...] = ()
    at: datetime


class MonitorClaim(Record):
    """Among how many a shard's holder shares the work. ``tenure`` is another one each time that it is taken over."""

    shard: Annotated[int, Field(ge=0)]
    shards: Annotated[int, Field(ge=1)]
    process: str
    tenure: str
    at: datetime


class AppState(Record):
    """What is remembered of an app as a whole: its alerts that are open or were lately, and its traffic."""

    app: Identifier
    memory: dict[str, Any] = Field(default_factory=dict, repr=False)


class MonitorState(Record):
    """One record of ``monitor-state``: a series, an app, how far a shard has read, or who holds it. One is set."""

    series: SeriesState | None = None
    app: AppState | None = None
    progress: MonitorProgress | None = None
    claim: MonitorClaim | None = None
