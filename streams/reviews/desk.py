"""What a reviewer can do with what waits: take it, label it, leave it. For the command line and any other console.

Deciding about what is held is in ``deciding``, looking at raw texts in ``streams.vault.unmasking``.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from schemas.codec import validate
from schemas.errors import Code, ConfigError
from schemas.label import LEASE_SECONDS, Label, Lease, label_id
from schemas.topics import LABELS
from streams.reviews.leases import Leases
from streams.reviews.likeness import groups
from streams.reviews.posting import Post
from streams.reviews.stored import Kind, StoredReview, find_review, open_reviews
from streams.store.client import Store
from streams.store.sql import query

Mask = Callable[[str], str]
_POLL_SECONDS: Final = 0.1
_AT_ONCE: Final = 500  # reviews that are looked through
_KNOWN_AT_ONCE: Final = 20


@dataclass(frozen=True, slots=True)
class Tools:
    """What a desk works with. ``mask`` replaces personal data and secrets in notes.

    A share ``known`` of the samples that others than the ``experts`` are given, an expert has answered before: so it
    becomes known how often people are wrong. ``chance`` gives numbers from 0 to 1.
    """

    store: Store
    post: Post
    leases: Leases
    mask: Mask
    experts: frozenset[str] = frozenset()
    known: float = 0.0
    chance: Callable[[], float] = random.random


class Desk:
    """One reviewer's desk, for one thread at a time. ``by`` is who they say they are."""

    def __init__(self, tools: Tools, by: str) -> None:
        self._tools = tools
        self._by = by
        self._left: set[UUID] = set()  # the store may not know yet what was said of these

    def waiting(self, kind: Kind, most: int) -> tuple[StoredReview, ...]:
        """What waits for this person, in the order in which it should be read; ``most`` at most."""
        found = open_reviews(self._tools.store, (kind,), most, without=self._by)
        return tuple(review for review in found if review.review_id not in self._left)

    def take(self, review: StoredReview, seconds: int = LEASE_SECONDS) -> bool:
        """Have the review to oneself for so many seconds; False if as many others as are wanted have it.

        Raises:
            UnavailableError: the broker does not answer.
        """
        lease = Lease(review_id=review.review_id, by=self._by, places=min(3, review.places), seconds=seconds)
        return self._tools.leases.ask(lease)

    def give_back(self, review: StoredReview) -> None:
        """Let others have it. Harmless for what one does not have."""
        self._tools.leases.ask(Lease(review_id=review.review_id, by=self._by, seconds=0))

    def put_away(self, review: StoredReview) -> None:
        """It has been answered, and does not come to this desk again, though the store may still have it as open."""
        self._left.add(review.review_id)
        self.give_back(review)

    def next(self, kind: Kind, seconds: int = LEASE_SECONDS) -> StoredReview | None:
        """The next review that could be taken, and is; None where nothing waits for this person."""
        if kind == "sample" and self._tools.experts and not self._knows and self._tools.chance() < self._tools.known:
            for row in self._tools.store.select(query("known_reviews"), **self._to_read_again()):
                review = self.find(str(row["review_id"]))
                if review.review_id not in self._left and self.take(review, seconds):
                    return review
        for review in self.waiting(kind, _AT_ONCE):
            others = self._tools.leases.holders(review.review_id) - {self._by}
            if len(others) < review.places and self.take(review, seconds):
                return self.find(str(review.review_id))
        return None

    def alike(self, review: StoredReview) -> tuple[StoredReview, ...]:
        """Other samples that wait for this person and say nearly the same."""
        others = [each for each in self.waiting("sample", _AT_ONCE) if each.review_id != review.review_id]
        found = groups([review.held_text, *(each.held_text for each in others)])
        return tuple(each for each, first in zip(others, found[1:], strict=True) if first == 0)

    def label(
        self, review: StoredReview, answers: Mapping[str, bool], *, note: str | None = None, blind: bool | None = None
    ) -> Label:
        """Say what is so of the review, in place of what this person said of it before; delivered when this returns.

        ``blind``: neither findings nor others' answers were seen; by default what the review asks for.

        Raises:
            UnreadableError: an answer to no question, or none; names the field.
            UnavailableError: it was not delivered.
        """
        blind = review.blind if blind is None else blind
        return self._say(review, answers=dict(answers), note=note and self._tools.mask(note), blind=blind)

    def skip(self, review: StoredReview, note: str | None = None) -> Label:
        """Leave the review to others, for good."""
        return self._say(review, skipped=True, note=note and self._tools.mask(note))

    def undo(self, review: StoredReview) -> Label:
        """Take back what this person said of the review, which then waits for them again."""
        said = self._say(review, undone=True)
        self._left.discard(review.review_id)
        return said

    def last(self) -> StoredReview:
        """The review that this person said something of last.

        Raises:
            ConfigError: there is none.
        """
        rows = self._tools.store.select(query("last_label"), reader=self._by)
        if not rows:
            raise ConfigError("you have said nothing that could be undone", code=Code.INVALID_FIELD, field="review_id")
        return self.find(str(rows[0]["review_id"]))

    def wait_for(self, label: Label, seconds: float) -> bool:
        """Whether the store has the label within so many seconds."""
        end = time.monotonic() + seconds
        while True:
            rows = self._tools.store.select(query("label_seen"), label=label.label_id, at=label.labelled_at)
            if rows[0]["rows"] or time.monotonic() > end:
                return bool(rows[0]["rows"])
            time.sleep(_POLL_SECONDS)

    @property
    def _knows(self) -> bool:
        return self._by in self._tools.experts

    def find(self, start: str) -> StoredReview:
        """The review whose id begins so, as this person should read it.

        Raises:
            ConfigError: there is none, or more than one.
        """
        return find_review(self._tools.store, start, () if self._knows else self._tools.experts)

    def _to_read_again(self) -> Mapping[str, Any]:
        return {"experts": sorted(self._tools.experts), "reader": self._by, "most": _KNOWN_AT_ONCE}

    def _days(self, review: StoredReview) -> int | None:
        """For how long its policy lets the store keep what is said of it: a note may say what the text did."""
        place = {"app": review.app, "stage": review.stage, "review": review.review_id}
        rows = self._tools.store.select(query("review_days"), **place)
        return rows[0]["keep_days"] or None if rows else None

    def _say(self, review: StoredReview, **said: object) -> Label:
        now = datetime.now(UTC)
        fields = {
            "label_id": label_id(review.review_id, self._by),
            "review_id": review.review_id,
            "verdict_id": review.verdict_id,
            "app": review.app,
            "by": self._by,
            "opened_at": review.opened_at,
            "keep_days": self._days(review),
            "labelled_at": now.replace(microsecond=now.microsecond // 1000 * 1000),  # as precise as the store
        }
        label = validate({**fields, **said}, Label)
        self._tools.post.send(LABELS, label, str(review.review_id))
        self.put_away(review)
        return label
