"""A text that is still being written, released piece by piece: which piece is next, and what may be read of it. Pure.

A piece is a few words. It is judged together with what stands before it and some way behind it, and released without
what is to be redacted; a guard that blocks or holds ends the release before the piece. So nothing is released of a span
that a guard finds in any window that holds the span, ``LOOK_BEHIND`` code points before it and ``CONTEXT`` behind it,
if the span is no longer than ``LOOK_AHEAD - CONTEXT`` code points, or one word of up to 1,900. What a guard
finds only in a longer text is found once all of it is there, and what was released is taken back then.

Pieces and windows are places in the text alone: however it came, the same is judged and the same released.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from guards.guard import Hit
from guards.spans import resolve, shift
from schemas.actions import Action, worst
from schemas.errors import Code
from schemas.verdict import Finding, Judgement

LOOK_AHEAD: Final = 96
CONTEXT: Final = 32
"""Words so far behind a number may say what it is; as for the patterns of personal data."""
LOOK_BEHIND: Final = 160

_STEP: Final = 48  # code points of a piece, about ten tokens
_SHORTEST: Final = 12  # where a sentence ends
_LONGEST_WORD: Final = 2_048
_LONGEST_SPAN: Final = 8_192  # that may go on from window to window

# Between words, once the next one has begun; and behind every character of scripts that write without spaces.
_PLACE: Final = re.compile(r"\s(?=\S)|[\u2e80-\U0010ffff](?=.)", re.DOTALL)
_SENTENCE: Final = re.compile(r"(?:[.!?…。！？][\"'»”’)\]]*\s*|\n\s*)\Z")  # noqa: RUF001 - signs of other scripts
_ENDINGS: Final = frozenset({Action.HOLD, Action.BLOCK})


@dataclass(frozen=True, slots=True)
class Window:
    """The piece from ``start`` to ``end``, judged in the text from ``first`` to ``last``. ``sentence`` begins it."""

    start: int
    end: int
    first: int
    last: int
    sentence: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Code points ``start`` to ``end`` (exclusive)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a text is released: all before ``position`` is decided on, and ``redacted`` was replaced in it.

    ``since`` is where a span begins that reached the end of what was read. ``action`` is what a guard ended it for,
    and ``code`` why; nothing is released then any more.
    """

    position: int = 0
    redacted: tuple[Stretch, ...] = ()
    since: int | None = None
    action: Action = Action.ALLOW
    code: Code | None = None

    @property
    def ended(self) -> bool:
        """Whether a guard has ended the release."""
        return self.action in _ENDINGS

    def covers(self, start: int, end: int) -> bool:
        """Whether all of a span was replaced."""
        return any(each.start <= start and end <= each.end for each in self.redacted)

    def with_redacted(self, start: int, end: int) -> tuple[Stretch, ...]:
        """What was replaced, and this as well; what touches is one stretch."""
        if self.redacted and start <= self.redacted[-1].end:
            last = self.redacted[-1]
            return (*self.redacted[:-1], Stretch(last.start, max(last.end, end)))
        return (*self.redacted, Stretch(start, end))


@dataclass(frozen=True, slots=True)
class Step:
    """How far the text is released now, and what is new of it."""

    progress: Progress
    text: str


def next_window(text: str, progress: Progress, *, whole: bool, ahead: int = LOOK_AHEAD) -> Window | None:
    """What is to be judged next, once enough of the text is there; ``whole``: no more of it comes."""
    start = progress.position
    if progress.ended or start >= len(text):
        return None
    end = _piece_end(text, start) or (len(text) if whole else None)
    if end is None:
        return None
    last = _place_from(text, end + ahead) or (len(text) if whole else None)
    if last is None:
        return None
    first = min(_place_before(text, start - LOOK_BEHIND), start if progress.since is None else progress.since)
    return Window(start, end, first, last, _sentence_start(text, first, start))


def decide(
    text: str, window: Window, progress: Progress, findings: Iterable[Finding], replacement: Callable[[str, str], str]
) -> Step:
    """The release of a window's piece, by what was found in the window (code points of its text).

    ``replacement`` gives what stands for a value with a label.
    """
    found = list(findings)
    strictest = worst(finding.action for finding in found)
    if strictest in _ENDINGS:
        return Step(replace(progress, action=strictest, code=_code(found, strictest)), "")
    now, pieces = replace(progress, since=None), []
    for hit in shift(resolve(_hits(found, window)), window.first):
        if hit.end <= window.start or hit.start >= window.end:
            continue  # was decided on before, or is going to be
        start = max(hit.start, now.position)
        pieces.append(text[now.position : start])
        if hit.start >= window.start or not _goes_on(hit, progress):
            pieces.append(replacement(text[hit.start : hit.end], hit.label))
        now = replace(
            now,
            position=hit.end,
            redacted=now.with_redacted(start, hit.end),
            since=hit.start if hit.end >= window.last else None,
            action=worst((now.action, Action.REDACT)),
        )
    pieces.append(text[now.position : window.end])
    now = replace(now, position=max(now.position, window.end))
    if now.since is not None and now.position - now.since > _LONGEST_SPAN:
        now = replace(now, action=Action.BLOCK, code=Code.STREAM_CUT)
    return Step(now, "".join(pieces))


def too_long(progress: Progress, action: Action) -> Progress:
    """The end of a text that is longer than the policy lets it be judged."""
    return replace(progress, action=worst((progress.action, action)), code=Code.TOO_LONG)


def findings_of(judgement: Judgement) -> Iterator[Finding]:
    """What was found in the response."""
    yield from judgement.response.findings if judgement.response else ()


def _goes_on(hit: Hit, progress: Progress) -> bool:
    """Whether it is a span of which the first part was replaced before."""
    return any(each.start < hit.end and hit.start <= each.end for each in progress.redacted)


def _hits(findings: Iterable[Finding], window: Window) -> Iterator[Hit]:
    """Spans to be redacted; a finding without a span is about all of the window."""
    for finding in findings:
        if finding.action is Action.REDACT:
            end = window.last - window.first if finding.end is None else finding.end
            yield Hit(finding.label, finding.score or 0.0, finding.start or 0, end)


def _code(findings: Iterable[Finding], action: Action) -> Code:
    """Why the release ends: what was found, or what kept a guard from reading if nothing else does."""
    decisive = [finding for finding in findings if finding.action is action]
    if any(finding.kind != "error" for finding in decisive):
        return Code.BLOCKED
    return Code.TOO_LONG if any(finding.label == Code.TOO_LONG for finding in decisive) else Code.GUARD_FAILED


def _piece_end(text: str, start: int) -> int | None:
    """Where the piece from ``start`` ends; None if that is still to come."""
    for match in _PLACE.finditer(text, start, start + _LONGEST_WORD):
        length = match.end() - start
        if length >= _STEP or (length >= _SHORTEST and _SENTENCE.search(text, start, match.end())):
            return match.end()
    return start + _LONGEST_WORD if len(text) > start + _LONGEST_WORD else None


def _place_from(text: str, earliest: int) -> int | None:
    """The first place between words from there on; None if it is still to come."""
    match = _PLACE.search(text, max(0, earliest - 1), earliest + _LONGEST_WORD)
    if match is not None:
        return match.end()
    return earliest + _LONGEST_WORD if len(text) > earliest + _LONGEST_WORD else None


def _place_before(text: str, latest: int) -> int:
    """The last place between words up to there."""
    if latest <= 0:
        return 0
    floor = max(0, latest - _LONGEST_WORD)
    return max((match.end() for match in _PLACE.finditer(text, floor, latest + 1)), default=floor)


def _sentence_start(text: str, first: int, start: int) -> int:
    """Where the sentence begins that stands at ``start``, or goes on there; not before ``first``."""
    for match in reversed(list(_PLACE.finditer(text, first, start + 1))):
        if match.end() <= start and _SENTENCE.search(text, first, match.end()):
            return match.end()
    return first
