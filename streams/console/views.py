"""Reviews as the page gets them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from guards.guard import Hit
from guards.masking import placeholder
from guards.spans import resolve
from schemas.policy import SPAN_GUARDS
from streams.reviews.questions import harmless, questions
from streams.reviews.stored import Found, Passage, StoredReview

_EXCERPT: Final = 140


def summary(review: StoredReview, alike: int, now: datetime) -> Mapping[str, Any]:
    """A line of the queue; ``alike`` reviews in it, itself included, say nearly the same."""
    remaining = review.remaining(now)
    return {
        "id": str(review.review_id),
        "app": review.app,
        "stage": review.stage,
        "stratum": review.stratum,
        "side": review.side,
        "left": remaining.total_seconds() if remaining is not None else None,
        "alike": alike,
        "text": review.held_text[:_EXCERPT],
    }


def details(review: StoredReview, now: datetime) -> Mapping[str, Any]:
    """All of a review; without what was found where it is to be read blindly."""
    shown = review.unseen() if review.blind else review
    asked = questions(review)
    return {
        **summary(review, 1, now),
        "kind": review.kind,
        "open": review.is_open,
        "blind": review.blind,
        "request": review.request_id,
        "conversation": review.conversation,
        "policy": review.policy,
        "opened": review.opened_at.isoformat(),
        "on_expiry": review.on_expiry,
        "read": [review.answered, review.wanted],
        "passages": [_passage(passage, shown) for passage in review.passages],
        "findings": [_finding(each) for each in sorted(shown.findings, key=lambda found: found.gravity, reverse=True)],
        "questions": [{"name": name, "preset": harmless(asked).get(name)} for name in asked],
    }


def _passage(passage: Passage, review: StoredReview) -> Mapping[str, Any]:
    own = [found for found in review.findings if not passage.beside and _is_in(found, passage)]
    return {
        "side": passage.side,
        "index": passage.index,
        "beside": passage.beside,
        "held": passage.side == review.side and not passage.beside,
        "text": passage.text,
        "spans": list(spans(passage.text, own)),
    }


def _finding(found: Found) -> Mapping[str, Any]:
    return {
        "side": found.side,
        "index": found.index,
        "guard": found.guard,
        "label": found.label,
        "kind": found.kind,
        "score": found.score,
        "threshold": found.threshold,
        "action": str(found.action),
    }


def spans(text: str, findings: Sequence[Found]) -> Iterator[Mapping[str, Any]]:
    """Where the masked text has what was found: placeholders, and other spans moved by what was masked before them.

    ``start`` and ``end`` are code points of the masked text. Offsets of findings are those of the original: where the
    placeholders are not where they should be, because something was masked that is no finding, what follows is left
    out, for a wrong mark misleads more than none.
    """
    spanned = [each for each in findings if each.start is not None and each.end is not None]
    masking = [each for each in spanned if each.guard in SPAN_GUARDS]
    moves: list[tuple[int, int]] = []  # from this offset of the original on, so many code points further
    shift = 0
    for hit in resolve(Hit(each.label, each.score or 0.0, each.start or 0, each.end or 0) for each in masking):
        place, label = hit.start + shift, placeholder(hit.label)
        if text[place : place + len(label)] != label:
            return
        found = next(each for each in masking if each.label == hit.label)
        yield _mark(place, place + len(label), found)
        shift += len(label) - (hit.end - hit.start)
        moves.append((hit.end, shift))
    for each in spanned:
        start, end = (_moved(offset, moves) for offset in (each.start or 0, each.end or 0))
        if each.guard not in SPAN_GUARDS and start < end <= len(text):
            yield _mark(start, end, each)


def _mark(start: int, end: int, found: Found) -> Mapping[str, Any]:
    return {"start": start, "end": end, "action": str(found.action), "name": _name(found)}


def _moved(offset: int, moves: Sequence[tuple[int, int]]) -> int:
    return offset + next((shift for start, shift in reversed(moves) if start <= offset), 0)


def _name(found: Found) -> str:
    return found.guard if found.label == found.guard else f"{found.guard} {found.label}"


def _is_in(found: Found, passage: Passage) -> bool:
    return (found.side, found.index if found.side == "context" else 0) == (passage.side, passage.index)
