"""Examples to figures: by label and side, as a whole and by slice, language and source."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitors.intervals import CONFIDENCE, Estimate, share
from monitors.ranking import area_under_roc, average_precision, recall_at
from monitors.reliability import Reliability, reliability
from schemas.actions import Action
from schemas.policy import LOWER_IS_WORSE, Policy
from streams.quality.scoring import Example

Scores: TypeAlias = NDArray[np.float64]
ALL: Final = "all"
WORST: Final = 5


@dataclass(frozen=True, slots=True)
class Passed:
    """What the policy does at one action's threshold: the share of bad texts past it, and of good ones."""

    action: str
    recall: Estimate
    false_alarms: Estimate


@dataclass(frozen=True, slots=True)
class Quality:
    """The figures of a label on a side, for a kind of lines (``group``: ``all``, or ``slice=…``).

    ``failed`` counts examples that the guard could not judge; they are in no other figure.
    """

    label: str
    side: str
    group: str
    bad: int
    good: int
    failed: int
    area: Estimate
    average_precision: Estimate
    recall_at_1: Estimate
    recall_at_5: Estimate
    passed: tuple[Passed, ...]


@dataclass(frozen=True, slots=True)
class Labelling:
    """All that was labelled with one label on one side. ``scores`` are turned so that high is bad."""

    label: str
    guard: str
    side: str
    examples: tuple[Example, ...] = field(repr=False)

    @property
    def judged(self) -> tuple[Example, ...]:
        return tuple(example for example in self.examples if example.value is not None)

    def scores(self) -> tuple[Scores, Scores]:
        """Those of the bad texts and those of the good ones."""
        return split_scores(self.judged)

    def reliability(self) -> Reliability:
        """Whether scores mean what they say. For relevance and groundedness they are those of being bad."""
        values = np.array([example.badness for example in self.judged])
        return reliability(values, np.array([example.bad for example in self.judged], bool))

    def worst(self, count: int = WORST) -> tuple[list[Example], list[Example]]:
        """The bad texts that score lowest, and the good ones that score highest."""
        missed = heapq.nsmallest(count, (e for e in self.judged if e.bad), key=lambda e: e.badness)
        alarms = heapq.nlargest(count, (e for e in self.judged if not e.bad), key=lambda e: e.badness)
        return missed, alarms


def split_scores(examples: Iterable[Example]) -> tuple[Scores, Scores]:
    """The scores of bad and of good examples, high meaning bad."""
    kinds: dict[bool, list[float]] = {True: [], False: []}
    for example in examples:
        kinds[example.bad].append(example.badness)
    return np.array(kinds[True], np.float64), np.array(kinds[False], np.float64)


def labellings(examples: Iterable[Example]) -> list[Labelling]:
    """The examples by label and side, in the order of their first appearance."""
    found: defaultdict[tuple[str, str], list[Example]] = defaultdict(list)
    for example in examples:
        found[example.label, example.side].append(example)
    return [Labelling(label, group[0].guard, side, tuple(group)) for (label, side), group in found.items()]


def qualities(labelling: Labelling, policy: Policy, confidence: float = CONFIDENCE) -> Iterator[Quality]:
    """The figures of all examples, then those by slice, language and source, each in alphabetical order."""
    yield _quality(labelling, ALL, labelling.examples, policy, confidence)
    for kind in ("slice", "language", "source"):
        groups: defaultdict[str, list[Example]] = defaultdict(list)
        for example in labelling.examples:
            if kind in example.kinds:
                groups[example.kinds[kind]].append(example)
        for name, group in sorted(groups.items()):
            yield _quality(labelling, f"{kind}={name}", group, policy, confidence)


def _quality(
    labelling: Labelling, group: str, examples: Sequence[Example], policy: Policy, confidence: float
) -> Quality:
    judged = [example for example in examples if example.value is not None]
    bad, good = split_scores(judged)
    return Quality(
        label=labelling.label,
        side=labelling.side,
        group=group,
        bad=len(bad),
        good=len(good),
        failed=len(examples) - len(judged),
        area=area_under_roc(bad, good, confidence),
        average_precision=average_precision(bad, good, confidence),
        recall_at_1=recall_at(bad, good, 0.01, confidence),
        recall_at_5=recall_at(bad, good, 0.05, confidence),
        passed=tuple(_passed(labelling, judged, policy, confidence)),
    )


def _passed(labelling: Labelling, judged: Sequence[Example], policy: Policy, confidence: float) -> Iterator[Passed]:
    """What each action of the policy catches; it counts from its threshold on, stricter ones included."""
    rule = policy.rules(labelling.side).get(labelling.guard)  # type: ignore[call-overload]  # a configured guard has any name
    steps = rule.steps_for(labelling.label) if rule else None
    for step in reversed(steps.ladder) if steps else ():
        lower = labelling.guard in LOWER_IS_WORSE
        past = [(e.value or 0.0) < step.threshold if lower else (e.value or 0.0) >= step.threshold for e in judged]
        counts = {
            bad: [hit for hit, example in zip(past, judged, strict=True) if example.bad is bad] for bad in (True, False)
        }
        recall, alarms = (share(sum(hits), len(hits), confidence) for hits in (counts[True], counts[False]))
        yield Passed(Action(step.action).value, recall, alarms)


def to_json(quality: Quality) -> dict[str, Any]:
    """Plain values for a program."""
    return asdict(quality)
