"""What people are asked, as the store knows it: everything in it is masked."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, Self, TypeAlias
from uuid import UUID

from schemas.actions import Action
from schemas.errors import Code, ConfigError
from streams.store.client import Store
from streams.store.sql import query

MOST: Final = 1_000
Kind: TypeAlias = Literal["hold", "sample"]
KINDS: Final[tuple[Kind, ...]] = ("hold", "sample")
_ID_START: Final = re.compile(r"[0-9a-f-]{1,36}")
_EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class Found:
    """A finding. ``index`` is that of the context passage, from 0. ``score`` is None where the guard failed.

    ``start`` and ``end`` are code points of the original text, None without a span.
    """

    side: str
    index: int
    guard: str
    label: str
    kind: str
    score: float | None
    threshold: float | None
    action: Action
    start: int | None = None
    end: int | None = None

    @property
    def gravity(self) -> tuple[int, bool, float]:
        """Orders findings; the greatest is the worst. A guard that failed stands above a score."""
        return self.action.severity, self.score is None, self.score or 0.0


@dataclass(frozen=True, slots=True)
class Passage:
    """One masked text: of the ``prompt``, the ``response``, or a ``context`` passage with its index.

    One that stands ``beside`` was judged by another stage, and is there to be read with the rest.
    """

    side: str
    index: int
    text: str = field(repr=False)
    beside: bool = False


@dataclass(frozen=True, slots=True)
class StoredReview:
    """A hold with how its request stands (``state``, ``status``, ``code``: empty while nothing is known), or a sample.

    A sample was drawn from ``stratum`` with ``probability``, and wants answers from ``wanted`` people, of whom
    ``answered`` have. It is ``known`` if an expert has answered it: others read it to be measured. Nothing but a hold
    expires.
    """

    review_id: UUID
    kind: Kind
    verdict_id: UUID
    app: str
    stage: str
    side: str
    action: Action
    conversation: str
    source: str
    request_id: str
    opened_at: datetime
    expires_at: datetime | None
    on_expiry: str
    policy: str
    stratum: str
    probability: float
    wanted: int
    answered: int
    is_open: bool
    state: str
    status: str
    code: str
    passages: tuple[Passage, ...]
    findings: tuple[Found, ...]
    known: bool = False

    @property
    def places(self) -> int:
        """How many people may read it at a time."""
        return max(1, self.wanted - self.answered)

    @property
    def blind(self) -> bool:
        """Whether its readers should see neither what was found nor what others said."""
        return self.wanted > 1 or self.known

    @property
    def held_text(self) -> str:
        """The masked text that waits; of a sample the response, or the prompt where there is none."""
        texts = {passage.side: passage.text for passage in self.passages if not passage.beside}
        return texts.get(self.side) or texts.get("response") or texts.get("prompt", "")

    @property
    def worst(self) -> Found | None:
        """The gravest finding."""
        return max(self.findings, key=lambda finding: finding.gravity, default=None)

    def remaining(self, now: datetime) -> timedelta | None:
        """Until the hold ends by itself; negative once it should have. None: it does not."""
        return self.expires_at - now if self.expires_at else None

    def unseen(self) -> Self:
        """The review without what was found: as somebody should read it who is to judge for themselves."""
        return replace(self, findings=())

    def to_json(self) -> dict[str, Any]:
        """The review as values for ``json.dumps``."""
        values = asdict(self)
        for name in ("review_id", "verdict_id"):
            values[name] = str(values[name])
        for name in ("opened_at", "expires_at"):
            values[name] = values[name].isoformat() if values[name] else None
        return values


def open_reviews(
    store: Store,
    kinds: Sequence[Kind] = ("hold",),
    most: int = MOST,
    without: str = "",
    experts: Collection[str] = (),
) -> tuple[StoredReview, ...]:
    """What waits for people, ``most`` at most: holds oldest first, samples in a random order.

    ``without`` leaves out what a person has answered or skipped.
    """
    return _select(store, _Wanted(kinds=kinds, most=most, without=without), experts)


def find_review(store: Store, start: str, experts: Collection[str] = ()) -> StoredReview:
    """The review whose id begins so; among several, the one that is open.

    Raises:
        ConfigError: there is none, or more than one.
    """
    prefix = start.strip().lower()
    if not _ID_START.fullmatch(prefix):
        raise ConfigError("expected a review's id or its beginning", code=Code.INVALID_FIELD, field="review_id")
    found = _select(store, _Wanted(prefix, closed=True, most=_EXAMPLES + 1), experts)
    candidates = [review for review in found if review.is_open] or found
    if not candidates:
        raise ConfigError("no review has an id that begins so: `weir review list` shows those open", field=prefix)
    if len(candidates) > 1:
        names = ", ".join(str(review.review_id) for review in candidates[:_EXAMPLES])
        raise ConfigError(f"more than one review's id begins so: {names}", field=prefix)
    return _with_question(store, candidates[0])


def _with_question(store: Store, review: StoredReview) -> StoredReview:
    """The review with the prompt and context that a response answers, which another stage has judged."""
    if review.stage != "judge":
        return review
    rows = store.select(query("asked"), app=review.app, source=review.source, event=review.request_id)
    if not rows:
        return review
    prompt, context = rows[0]["prompt_text"], rows[0]["context_texts"]
    beside = (Passage("prompt", 0, prompt, beside=True),
              *(Passage("context", index, text, beside=True) for index, text in enumerate(context)))  # fmt: skip
    return replace(review, passages=(*beside, *review.passages))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which reviews: whose id begins so, of these kinds, closed ones too, ``most`` at most, not those of a reader."""

    prefix: str = ""
    kinds: Sequence[Kind] = KINDS
    closed: bool = False
    most: int = MOST
    without: str = ""


def _select(store: Store, wanted: _Wanted, experts: Collection[str]) -> tuple[StoredReview, ...]:
    chosen = {**asdict(wanted), "kinds": list(wanted.kinds)}
    return tuple(_review(row, experts) for row in store.select(query("reviews"), **chosen))


def _review(row: Mapping[str, Any], experts: Collection[str]) -> StoredReview:
    return StoredReview(
        review_id=UUID(str(row["review_id"])),
        kind=row["kind"],
        verdict_id=UUID(str(row["verdict_id"])),
        app=row["app"],
        stage=row["stage"],
        side=row["side"],
        action=Action(row["action"]),
        conversation=row["conversation_id"],
        source=row["source"],
        request_id=row["source_event_id"],
        opened_at=_utc(row["opened_at"]),
        expires_at=_utc(row["expires_at"]) if row["kind"] == "hold" else None,
        on_expiry=row["on_expiry"],
        policy=f"{row['policy_id']}@{row['policy_version']}",
        stratum=row["stratum"],
        probability=row["probability"],
        wanted=row["wanted"],
        answered=row["answered"],
        is_open=bool(row["is_open"]),
        state=row["state"],
        status=row["status"],
        code=row["code"],
        passages=_passages(row),
        findings=_findings(row),
        known=not set(experts).isdisjoint(row["readers"]),
    )


def _passages(row: Mapping[str, Any]) -> tuple[Passage, ...]:
    sides = [Passage(side, 0, row[f"{side}_text"]) for side in ("prompt", "response") if row[f"has_{side}"]]
    return (*sides, *(Passage("context", index, text) for index, text in enumerate(row["context_texts"])))


def _findings(row: Mapping[str, Any]) -> tuple[Found, ...]:
    names = ("sides", "indexes", "guards", "labels", "kinds", "scores", "thresholds")
    columns: list[Sequence[Any]] = [row[f"finding_{name}"] for name in names]
    columns.append([Action(action) for action in row["finding_actions"]])
    columns += [row["finding_starts"], row["finding_ends"]]
    return tuple(Found(*values) for values in zip(*columns, strict=True))


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
