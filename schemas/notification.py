"""Telling people of alerts: what is sent, what became of it, and what they do not want to be told of."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from schemas.alert import Alert, Fingerprint, Severity
from schemas.record import Identifier, Record

Told = Literal["firing", "no_data", "resolved"]
"""The states that people are told of. Nobody need know of a doubt (``pending``)."""

Why = Literal["change", "repeat"]
TargetName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class Notification(Record):
    """What a webhook is sent: the alerts of one app that entered one state, or are still in it (``repeat``).

    ``notification_id`` is derived: what is sent again after a crash has the same one. ``sent_at`` is the notifier's
    clock, the alerts' times are those of the traffic.
    """

    version: Literal[1] = 1
    notification_id: UUID
    why: Why
    state: Told
    app: Identifier
    alerts: Annotated[tuple[Alert, ...], Field(min_length=1)]
    sent_at: datetime


class Notice(Record):
    """What became of telling a target of an alert in a state; the latest of a target and fingerprint counts.

    ``since`` is when the alert entered the state. ``given_up``: the target refused it, or did not take it for too
    long; ``reason`` says which, in our words or as a status, and what was told before stays told.
    """

    target: TargetName
    fingerprint: Fingerprint
    state: Told
    since: datetime
    severity: Severity
    outcome: Literal["delivered", "given_up"]
    why: Why
    notification_id: UUID
    at: datetime
    attempts: Annotated[int, Field(ge=1)] = 1
    reason: str | None = None


class Silence(Record):
    """Alerts that people do not want to be told of from ``starts_at`` to ``ends_at``: all that match what is given.

    One with ``acknowledges``, the moment at which an alert entered its state, is an acknowledgement: somebody has taken
    the alert on, and nobody is reminded of it while it stays in that state. The latest of a ``silence_id`` counts; one
    is ended by another end.
    """

    silence_id: UUID
    fingerprint: Fingerprint | None = None
    app: Identifier | None = None
    alertname: Identifier | None = None
    severity: Severity | None = None
    starts_at: datetime
    ends_at: datetime
    acknowledges: datetime | None = None
    created_by: Identifier
    reason: str | None = Field(default=None, max_length=500, repr=False)

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        matchers = (self.fingerprint, self.app, self.alertname, self.severity)
        if all(matcher is None for matcher in matchers):
            raise PydanticCustomError("silence_all", "one of fingerprint, app, alertname and severity is needed")
        if self.acknowledges is not None and self.fingerprint is None:
            raise PydanticCustomError("acknowledges_one", "an acknowledgement needs a fingerprint")
        if self.ends_at < self.starts_at:
            raise PydanticCustomError("silence_span", "it should end after it starts")
        return self

    def matches(self, alert: Alert) -> bool:
        """Whether it is about the alert."""
        pairs = (
            (self.fingerprint, alert.fingerprint),
            (self.app, alert.app),
            (self.alertname, alert.alertname),
            (self.severity, alert.severity),
            (self.acknowledges, alert.since),
        )
        return all(wanted is None or wanted == found for wanted, found in pairs)

    def is_active(self, now: datetime) -> bool:
        """Whether it is in force at the moment."""
        return self.starts_at <= now < self.ends_at
