"""Thresholds from labelled examples, and the policy that has them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from monitors.intervals import CONFIDENCE
from monitors.thresholds import STEP, Choice, Costs, TooFew, threshold_for_cost, threshold_for_rate
from schemas.policy import LOWER_IS_WORSE, Policy, Steps
from schemas.policy_file import parse_policy, write_policy
from streams.quality.rendering import figure
from streams.quality.report import Labelling

Wish: TypeAlias = float | Costs
"""A false-positive rate to promise, or costs to keep low."""

COLUMNS: Final = ("label", "side", "action", "threshold", "false positives", "recall", "why not")


@dataclass(frozen=True, slots=True)
class Picked:
    """What came of one wish for one label. ``threshold`` is the policy's, None where the labels carry none."""

    label: str
    guard: str
    side: str
    action: str
    threshold: float | None
    outcome: Choice | TooFew


def pick(labelling: Labelling, wishes: Mapping[str, Wish], confidence: float = CONFIDENCE) -> list[Picked]:
    """A threshold for each wanted action, in the order of the wishes."""
    bad, good = labelling.scores()
    picked = []
    for action, wish in wishes.items():
        if isinstance(wish, Costs):
            outcome = threshold_for_cost(bad, good, wish, confidence)
        else:
            outcome = threshold_for_rate(bad, good, wish, confidence)
        threshold = None if isinstance(outcome, TooFew) else _as_policy_has_it(outcome.threshold, labelling.guard)
        picked.append(Picked(labelling.label, labelling.guard, labelling.side, action, threshold, outcome))
    return picked


def _as_policy_has_it(threshold: float, guard: str) -> float | None:
    """A threshold on badness as the policy compares it; None where no score is past it."""
    if threshold > 1:
        return None
    # Flagged is what reaches the threshold; where low is bad, what is strictly below it.
    return round(min(1.0, 1 - threshold + STEP), 6) if guard in LOWER_IS_WORSE else round(threshold, 6)


def row(picked: Picked) -> tuple[object, ...]:
    """One line of the table of thresholds."""
    outcome = picked.outcome
    if isinstance(outcome, TooFew):
        reason = f"{outcome.count} {outcome.kind} texts, {outcome.needed} needed"
        return (picked.label, picked.side, picked.action, "-", "-", "-", reason)
    reason = "good texts reach the highest score" if picked.threshold is None else ""
    threshold = "-" if picked.threshold is None else f"{picked.threshold:g}"
    return (picked.label, picked.side, picked.action, threshold, figure(outcome.rate), figure(outcome.recall), reason)


def patched(policy: Policy, picked: Iterable[Picked], comment: Sequence[str] = ()) -> str:
    """The policy as YAML, its version one higher, with the thresholds that were found; all else stays.

    A guard's own label gets the rule's thresholds, any other an entry in ``labels``, which starts as the rule's. A rule
    that the policy did not have comes to be.

    Raises:
        ConfigError: the new thresholds and those that stay contradict each other, such as a block below a flag.
    """
    values = policy.model_dump(mode="json", exclude_defaults=True)
    values["version"] = policy.version + 1
    for each in picked:
        if each.threshold is not None:
            rule: dict[str, Any] = values.setdefault(each.side, {}).setdefault(each.guard, {})
            if each.label != each.guard:
                inherited = {action: rule[action] for action in Steps.model_fields if action in rule}
                rule = rule.setdefault("labels", {}).setdefault(each.label, inherited)
            rule[each.action] = each.threshold
    text = "".join(f"# {line}\n" for line in comment)
    text += write_policy(values)
    parse_policy(text, f"{policy.id}, calibrated")
    return text
