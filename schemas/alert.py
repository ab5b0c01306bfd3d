"""Alerts: what the monitor says of an app, from the first doubt to the proof that it is over."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from schemas.record import Identifier, Record
from schemas.verdict import Fraction

AlertState = Literal["pending", "firing", "resolved", "no_data"]
Severity = Literal["critical", "warning", "info"]
Direction = Literal["up", "down"]
Dimension = Literal["model", "policy", "stage", "language", "length", "label", "topic"]
Fingerprint = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class Began(Record):
    """When the change began: the likeliest moment, and an interval that holds it with 90% of the weight."""

    likeliest: datetime
    earliest: datetime
    latest: datetime


class Budget(Record):
    """The promise behind a page: at most ``pages`` false ones in ``bins`` bins over all ``series`` of the app.

    2,160 bins of an hour are 90 days.
    """

    pages: Annotated[float, Field(gt=0)]
    bins: Annotated[int, Field(ge=1)]
    bin_seconds: Annotated[float, Field(gt=0)]
    series: Annotated[int, Field(ge=1)]


class AlertPart(Record):
    """A segment's part in the change: ``within`` by its own rate, with limits, ``mix`` by its share of the traffic.

    The parts of one dimension add up to the change. ``before`` and ``after`` are the segment's own values, null where
    it had no events.
    """

    dimension: Dimension
    segment: Identifier
    within: float
    within_low: float
    within_high: float
    mix: float
    before: float | None = None
    after: float | None = None
    events: Annotated[int, Field(ge=0)]


class Alert(Record):
    """The latest about one alarm of an app; the one with the same ``fingerprint`` before is replaced.

    ``pending`` is a doubt that nobody need be told of and has used no budget; ``firing`` is a page; ``resolved``
    follows either, on evidence that the series is back (``fired_at`` tells which); ``no_data`` means that the app's
    traffic has stopped, so that nothing can be said. ``series`` is the one with most evidence, ``also`` names others
    that moved with it; an app has one page at a time for all of them.

    ``value`` is the mean since the change began, ``baseline`` what was expected of the same hours, ``visible_shift``
    the least change that the alarm is as likely as not to see in 168 bins (a week of hours). ``evidence`` pages at
    ``threshold``. ``examples`` are ids of verdicts, whose texts are masked wherever they are shown.

    All times are those of the traffic: with logical time they may lie anywhere. ``starts_at`` is when it became
    pending or, without that, fired; ``since`` when it entered ``state``; ``ends_at`` is set once it is resolved;
    ``updated_at`` is the end of the last bin that it knows of. ``flaps`` counts how often it fired again soon after
    it was resolved.
    """

    fingerprint: Fingerprint
    alertname: Annotated[str, Field(pattern=r"^Weir[A-Za-z]+$")]
    severity: Severity
    state: AlertState
    app: Identifier
    series: Identifier
    signal: Identifier
    guard: Identifier | None = None
    model: Identifier | None = None
    language: Identifier | None = None
    direction: Direction | None = None
    also: tuple[Identifier, ...] = ()
    summary: str
    began: Began | None = None
    value: Fraction | None = None
    baseline: Fraction | None = None
    visible_shift: Fraction | None = None
    evidence: Annotated[float, Field(ge=0)] = 0.0
    threshold: Annotated[float, Field(ge=0)] = 0.0
    budget: Budget
    change: float | None = None
    parts: tuple[AlertPart, ...] = ()
    examples: tuple[UUID, ...] = ()
    runbook: str | None = None
    dashboard: str | None = None
    flaps: Annotated[int, Field(ge=0)] = 0
    starts_at: datetime
    since: datetime
    fired_at: datetime | None = None
    ends_at: datetime | None = None
    updated_at: datetime
