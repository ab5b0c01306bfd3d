"""What is held, as the store knows it: everything in it is masked."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from schemas.actions import Action
from schemas.errors import Code, ConfigError
from streams.store.client import Store
from streams.store.sql import query

MOST: Final = 1_000
_ID_START: Final = re.compile(r"[0-9a-f-]{1,36}")
_EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class Found:
    """A finding. ``index`` is that of the context passage, from 0. ``score`` is None where the guard failed."""

    side: str
    index: int
    guard: str
    label: str
    kind: str
    score: float | None
    threshold: float | None
    action: Action

    @property
    def gravity(self) -> tuple[int, bool, float]:
        """Orders findings; the greatest is the worst. A guard that failed stands above a score."""
        return self.action.severity, self.score is None, self.score or 0.0


@dataclass(frozen=True, slots=True)
class Passage:
    """One masked text: of the ``prompt``, the ``response``, or a ``context`` passage with its index."""

    side: str
    index: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HeldReview:
    """A review and how its request stands: ``state``, ``status`` and ``code`` are empty while nothing is known."""

    review_id: UUID
    app: str
    stage: str
    side: str
    action: Action
    conversation: str
    source: str
    request_id: str
    opened_at: datetime
    expires_at: datetime
    on_expiry: str
    policy: str
    is_open: bool
    state: str
    status: str
    code: str
    passages: tuple[Passage, ...]
    findings: tuple[Found, ...]

    @property
    def held_text(self) -> str:
        """The masked text that waits."""
        return next((passage.text for passage in self.passages if passage.side == self.side), "")

    @property
    def worst(self) -> Found | None:
        """The gravest finding."""
        return max(self.findings, key=lambda finding: finding.gravity, default=None)

    def remaining(self, now: datetime) -> timedelta:
        """Until the hold ends by itself; negative once it should have."""
        return self.expires_at - now

    def to_json(self) -> dict[str, Any]:
        """The review as values for ``json.dumps``."""
        values = {**asdict(self), "review_id": str(self.review_id)}
        for name in ("opened_at", "expires_at"):
            values[name] = values[name].isoformat()
        return values


def open_reviews(store: Store, most: int = MOST) -> tuple[HeldReview, ...]:
    """What waits for a person, oldest first, ``most`` at most."""
    return _select(store, "", closed=False, most=most)


def find_review(store: Store, start: str) -> HeldReview:
    """The review whose id begins so; among several, the one that is open.

    Raises:
        ConfigError: there is none, or more than one.
    """
    prefix = start.strip().lower()
    if not _ID_START.fullmatch(prefix):
        raise ConfigError("expected a review's id or its beginning", code=Code.INVALID_FIELD, field="review_id")
    found = _select(store, prefix, closed=True, most=_EXAMPLES + 1)
    candidates = [review for review in found if review.is_open] or found
    if not candidates:
        raise ConfigError("no review has an id that begins so: `weir review list` shows those open", field=prefix)
    if len(candidates) > 1:
        names = ", ".join(str(review.review_id) for review in candidates[:_EXAMPLES])
        raise ConfigError(f"more than one review's id begins so: {names}", field=prefix)
    return candidates[0]


def _select(store: Store, prefix: str, *, closed: bool, most: int) -> tuple[HeldReview, ...]:
    return tuple(_review(row) for row in store.select(query("reviews"), prefix=prefix, closed=closed, most=most))


def _review(row: Mapping[str, Any]) -> HeldReview:
    return HeldReview(
        review_id=UUID(str(row["review_id"])),
        app=row["app"],
        stage=row["stage"],
        side=row["side"],
        action=Action(row["action"]),
        conversation=row["conversation_id"],
        source=row["source"],
        request_id=row["source_event_id"],
        opened_at=_utc(row["opened_at"]),
        expires_at=_utc(row["expires_at"]),
        on_expiry=row["on_expiry"],
        policy=f"{row['policy_id']}@{row['policy_version']}",
        is_open=bool(row["is_open"]),
        state=row["state"],
        status=row["status"],
        code=row["code"],
        passages=_passages(row),
        findings=_findings(row),
    )


def _passages(row: Mapping[str, Any]) -> tuple[Passage, ...]:
    sides = [Passage(side, 0, row[f"{side}_text"]) for side in ("prompt", "response") if row[f"has_{side}"]]
    return (*sides, *(Passage("context", index, text) for index, text in enumerate(row["context_texts"])))


def _findings(row: Mapping[str, Any]) -> tuple[Found, ...]:
    names = ("sides", "indexes", "guards", "labels", "kinds", "scores", "thresholds")
    columns: list[Sequence[Any]] = [row[f"finding_{name}"] for name in names]
    columns.append([Action(action) for action in row["finding_actions"]])
    return tuple(Found(*values) for values in zip(*columns, strict=True))


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
