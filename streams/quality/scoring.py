"""Labelled lines to scores, by the same pipeline that judges live traffic."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from guards.exchange import Exchange
from guards.pipeline import Case, Pipeline
from schemas.errors import ConfigError
from schemas.policy import LOWER_IS_WORSE, SIDES_OF, SPAN_GUARDS, Policy
from schemas.verdict import Judgement, SideJudgement
from streams.quality.labels import Labelled, LabelledLine

_EXCERPT: Final = 160
"""Code points of masked text that are kept of each example: errors are shown, texts are not stored."""


@dataclass(frozen=True, slots=True)
class Example:
    """One label of one line with its score. ``value`` is None where the guard could not judge.

    ``value`` and ``true`` are the guard's: for relevance and groundedness high and 1 are good. ``kinds`` has what
    the line says of itself (slice, language, source), ``excerpt`` the beginning of the masked text.
    """

    label: str
    guard: str
    side: str
    value: float | None
    true: bool
    kinds: Mapping[str, str]
    number: int
    excerpt: str = field(repr=False)

    @property
    def bad(self) -> bool:
        """Whether the label says that this is to be found."""
        return self.true != (self.guard in LOWER_IS_WORSE)

    @property
    def badness(self) -> float:
        """The score, turned round where low is bad; 0 where there is none."""
        if self.value is None:
            return 0.0
        return round(1 - self.value, 6) if self.guard in LOWER_IS_WORSE else self.value


def scoring_policy(policy: Policy) -> Policy:
    """The policy with every guard on where it can be, from any score: so that a judgement has every hit."""
    sides = {
        side: {
            guard: {"flag": 1.0 if guard in LOWER_IS_WORSE else 0.0}
            for guard, read in SIDES_OF.items()
            if side in read and (guard != "subjects" or policy.has_subjects)
        }
        for side in ("prompt", "response", "context")
    }
    return Policy.model_validate(policy.model_dump(mode="json") | sides)


def score_lines(
    lines: Iterable[Labelled], pipeline: Pipeline, policy: Policy, file: Path, batch_size: int = 32
) -> Iterator[Example]:
    """Every label of every line with its score, in order; memory does not grow with the lines.

    Raises:
        ConfigError: a label that no guard has, or that fits several texts of its line, by file and number.
    """
    owners = {label: guard.name for guard in pipeline.guards_for(policy) for label in guard.labels}
    everything, stream = scoring_policy(policy), iter(lines)
    while batch := list(islice(stream, batch_size)):
        judgements = pipeline.judge([Case(_exchange(each.line), everything) for each in batch])
        for labelled, judgement in zip(batch, judgements, strict=True):
            try:
                yield from _examples(labelled, judgement, owners)
            except _FaultError as fault:
                raise ConfigError(f"{file}:{labelled.number}: {fault}", field="labels") from None


class _FaultError(Exception):
    """A line whose labels fit nothing; the message has no user text."""


def _exchange(line: LabelledLine) -> Exchange:
    return Exchange(prompt=line.prompt, response=line.response, context=line.context)


def _examples(labelled: Labelled, judgement: Judgement, owners: Mapping[str, str]) -> Iterator[Example]:
    line = labelled.line
    named = {"slice": line.slice, "language": line.language, "source": line.source}
    kinds = {name: value for name, value in named.items() if value is not None}
    for label, true in line.labels.items():
        guard = owners.get(label) or (label if label in SPAN_GUARDS else None)
        side, texts = _labelled_side(label, guard, line.side, judgement)
        values = [_value(text, label) for text in texts]
        worst = _worst(values, lower=guard in LOWER_IS_WORSE)
        excerpt = texts[values.index(worst)].text[:_EXCERPT]
        yield Example(label, guard or _owner(texts, label), side, worst, bool(true), kinds, labelled.number, excerpt)


def _worst(values: Sequence[float | None], *, lower: bool) -> float | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    return min(known) if lower else max(known)


def _labelled_side(
    label: str, guard: str | None, wanted: str | None, judgement: Judgement
) -> tuple[str, Sequence[SideJudgement]]:
    """The side that a label speaks of, and its texts: the one that is named, else the only one that has a score."""
    given: dict[str, tuple[SideJudgement, ...]] = {
        side: tuple(texts)
        for side, texts in (
            ("prompt", (judgement.prompt,) if judgement.prompt else ()),
            ("response", (judgement.response,) if judgement.response else ()),
            ("context", judgement.context or ()),
        )
        if texts
    }
    spans = guard in SPAN_GUARDS or guard is None
    fitting = [side for side, texts in given.items() if spans or label in texts[0].scores]
    if wanted is not None:
        fitting = [side for side in fitting if side == wanted]
    if guard is None and not _is_span_label(label):
        raise _FaultError(f"no guard has the label {label!r}")
    if not fitting:
        raise _FaultError(f"{label} is not read in the texts that this line has")
    if len(fitting) > 1:
        raise _FaultError(f"{label} is read in {' and '.join(fitting)}: say which with side")
    return fitting[0], given[fitting[0]]


def _is_span_label(label: str) -> bool:
    return label.isupper()


def _value(text: SideJudgement, label: str) -> float | None:
    """A score, or for spans the best hit's; None where the guard failed."""
    if label in text.scores:
        return text.scores[label]
    if any(finding.kind == "error" and finding.guard in SPAN_GUARDS for finding in text.findings):
        return None
    hits = (finding for finding in text.findings if finding.kind == "match" and label in {finding.label, finding.guard})
    return max((finding.score or 0.0 for finding in hits), default=0.0)


def _owner(texts: Sequence[SideJudgement], label: str) -> str:
    """The span guard that has found such spans; personal data unless told otherwise."""
    found = (finding.guard for text in texts for finding in text.findings if finding.label == label)
    return next(found, "pii")
