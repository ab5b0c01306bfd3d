"""Spans over the code points of a text: which ones matter, how they join, and how they move.

Spans come as ``Hit``: half-open, in code points of the original text. Everything here is pure; the order of the
input never changes the result.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace

from guards.guard import Hit

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def well_formed(text: str) -> str:
    """The text with U+FFFD for each lone surrogate: it can be encoded, and every offset stays what it was."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def shift(hits: Iterable[Hit], offset: int) -> tuple[Hit, ...]:
    """The hits of a part of a text, as hits of the whole in which the part starts at ``offset``."""
    return tuple(replace(hit, start=hit.start + offset, end=hit.end + offset) for hit in hits)


def drop_dominated(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """The hits in order of appearance, without those inside another that scores at least as high.

    A weak hit never hides a strong one, whatever its length, and no code point is lost at any threshold: what
    covered it with some score is still covered with that score. Of two hits that tie in span and score, the label
    that sorts first stays.
    """
    kept: list[Hit] = []
    open_hits: list[Hit] = []
    for hit in sorted(set(hits), key=lambda hit: (hit.start, -hit.end, -hit.score, hit.label)):
        open_hits = [earlier for earlier in open_hits if earlier.end > hit.start]
        if any(earlier.end >= hit.end and earlier.score >= hit.score for earlier in open_hits):
            continue
        open_hits.append(hit)
        kept.append(hit)
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class Cover:
    """The code points of some hits, as disjoint stretches in order."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def holds(self, hit: Hit) -> bool:
        """Whether all of the hit lies within one stretch."""
        place = bisect_right(self.starts, hit.start) - 1
        return place >= 0 and hit.end <= self.ends[place]


def cover(hits: Iterable[Hit]) -> Cover:
    """What the hits cover; those that overlap are one stretch."""
    disjoint = resolve(hits)
    return Cover(tuple(hit.start for hit in disjoint), tuple(hit.end for hit in disjoint))


def resolve(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Disjoint hits that cover exactly the same code points, in order of appearance.

    Hits that overlap become one; it carries the label and score of the longest of them, then of the highest score,
    then of the earliest, then of the label that sorts first. Hits that only touch stay apart; empty ones vanish.
    """
    merged: list[Hit] = []
    cluster: list[Hit] = []
    end = 0
    for hit in sorted(hits, key=lambda hit: (hit.start, hit.end)):
        if hit.start >= hit.end:
            continue
        if cluster and hit.start >= end:
            merged.append(_joined(cluster))
            cluster = []
        end = max(end, hit.end) if cluster else hit.end
        cluster.append(hit)
    if cluster:
        merged.append(_joined(cluster))
    return tuple(merged)


def _joined(cluster: list[Hit]) -> Hit:
    best = min(cluster, key=lambda hit: (hit.start - hit.end, -hit.score, hit.start, hit.label))
    return replace(best, start=cluster[0].start, end=max(hit.end for hit in cluster))
