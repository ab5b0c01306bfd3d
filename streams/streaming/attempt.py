"""One attempt at an answer: what the model has made so far, and how much of it is released."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID, uuid5

from guards.exchange import Exchange
from guards.operators import Operators
from guards.piecewise import LOOK_AHEAD, Progress, Step, Window, decide, findings_of, next_window, too_long
from guards.pipeline import Case
from guards.redaction import Numbering, restore
from schemas.actions import Action
from schemas.policy import Policy, Rule
from schemas.stream import Chunk
from schemas.verdict import Judgement
from schemas.work import Released, Stretch, Work

_FINDS_SPANS: Final = frozenset({"pii", "secrets", "leakage"})
_SCORES: Final = frozenset({"toxicity", "subjects"})
_ACTING: Final = frozenset({Action.REDACT, Action.HOLD, Action.BLOCK})
_ENDS: Final[Mapping[Action, str]] = {Action.BLOCK: "withheld", Action.HOLD: "held"}


@dataclass(frozen=True, slots=True)
class Terms:
    """By what an answer is released: the policy, and those of its guards that judge a part and may change anything.

    Relevance, groundedness and refusals are told of a whole answer only; what is flagged is released all the same.
    """

    policy: Policy
    guards: frozenset[str]

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """The terms of a policy."""
        parts = _FINDS_SPANS | (_SCORES if not policy.subjects.allowed else _SCORES - {"subjects"})
        acting = (name for name, rule in policy.response.items() if {rule.error_action, *_actions(rule)} & _ACTING)
        return cls(policy, parts.intersection(acting))

    @property
    def ahead(self) -> int:
        """How much has to be read behind a piece."""
        return LOOK_AHEAD if self.guards else 0


@dataclass(frozen=True, slots=True)
class Begun:
    """Which attempt at which work, and when its first draft came to the broker."""

    attempt: UUID
    work: Work = field(repr=False)
    since: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """Immutable but for the numbers of its placeholders, which come out the same when they are given again.

    ``drafts`` and ``chunks`` count what came in and went out, ``released`` is the chunks' text. ``since`` is when the
    first draft came to the broker, ``first`` when something of it was released.
    """

    attempt: UUID
    since: datetime
    work: Work = field(repr=False)
    terms: Terms | None
    numbering: Numbering
    values: Mapping[str, str] = field(repr=False)
    text: str = field(default="", repr=False)
    released: str = field(default="", repr=False)
    fresh: str = field(default="", repr=False)
    progress: Progress = field(default_factory=Progress)
    drafts: int = 0
    chunks: int = 0
    first: datetime | None = None

    @classmethod
    def begin(cls, made: Begun, terms: Terms | None, values: Mapping[str, str], salt: bytes) -> "Attempt":
        """An attempt of which nothing is there. Without ``terms`` nothing is released."""
        work = made.work
        request = work.request
        operators = Operators(terms.policy.redaction, salt) if terms else Operators()
        numbering = Numbering(Exchange(request.messages, None, request.context), values, operators)
        return cls(made.attempt, made.since, work, terms, numbering, values)

    def again(self) -> "Attempt":
        """The same answer, released anew from its beginning."""
        return replace(
            self,
            attempt=uuid5(self.attempt, "again"),
            released="",
            fresh="",
            progress=Progress(),
            drafts=0,
            chunks=0,
            first=None,
        )

    def grown(self, text: str) -> "Attempt":
        """With one draft more."""
        grown = replace(self, text=self.text + text, drafts=self.drafts + 1)
        policy = self.terms.policy if self.terms else None
        if policy is None or len(grown.text) <= policy.max_chars or self.progress.ended:
            return grown
        return replace(grown, progress=too_long(self.progress, policy.too_long))

    def window(self, *, whole: bool) -> Window | None:
        """What is to be judged next."""
        if self.terms is None:
            return None
        return next_window(self.text, self.progress, whole=whole, ahead=self.terms.ahead)

    def cases(self, window: Window) -> tuple[Case, ...]:
        """What is judged for a window: all of it, and by itself the sentence that stands there."""
        assert self.terms is not None  # there is no window without them
        if not self.terms.guards:
            return ()
        cases = [self._case(window.first, window.last, self.terms.guards)]
        if window.sentence > window.first and (scoring := self.terms.guards & _SCORES):
            cases.append(self._case(window.sentence, window.last, scoring))
        return tuple(cases)

    def judged(self, window: Window, judgements: tuple[Judgement, ...]) -> "Attempt":
        """With the window's piece released, as far as the judgements of its cases allow."""
        findings = [finding for judgement in judgements for finding in findings_of(judgement)]
        step: Step = decide(self.text, window, self.progress, findings, self.numbering.of)
        return replace(self, progress=step.progress, fresh=self.fresh + restore(step.text, self.values))

    def chunk(self, now: datetime, **facts: Any) -> tuple["Attempt", Chunk]:  # noqa: ANN401 - the fields of a chunk
        """What is newly released, as the next chunk."""
        chunk = Chunk(attempt=self.attempt, seq=self.chunks, reset=self.chunks == 0, text=self.fresh, **facts)
        first = now if self.first is None and self.fresh else self.first
        released = self.released + self.fresh
        return replace(self, chunks=self.chunks + 1, released=released, fresh="", first=first), chunk

    @property
    def cut(self) -> str | None:
        """How a guard has ended the stream, if one has."""
        return _ENDS.get(self.progress.action)

    def outcome(self) -> Released:
        """What the completion says of it."""
        progress = self.progress
        return Released(
            attempt=self.attempt,
            chunks=self.chunks,
            text=self.released,
            position=progress.position,
            redacted=tuple(Stretch(start=each.start, end=each.end) for each in progress.redacted),
            action=progress.action,
            code=progress.code,
        )

    def _case(self, start: int, end: int, guards: frozenset[str]) -> Case:
        assert self.terms is not None
        return Case(Exchange.answering(self.work.request, self.text[start:end]), self.terms.policy, guards)


def _actions(rule: Rule) -> set[Action]:
    return {step.action for steps in (rule, *rule.labels.values()) for step in steps.ladder}
