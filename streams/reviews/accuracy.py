"""How often people are wrong, by texts of which somebody who knows has said what is so."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitors.estimates.readers import Gold
from monitors.intervals import UNKNOWN, Estimate, clopper_pearson
from schemas.label import CORRECT, RELEVANT
from streams.store.client import Store
from streams.store.sql import query


@dataclass(frozen=True, slots=True)
class Accuracy:
    """One reader on one question: the share of good texts called bad, and of bad ones that were missed.

    What is bad is the problem being there, or for relevance and correctness, its lack. Limits are exact.
    """

    reader: str
    question: str
    gold: Gold
    false_calls: Estimate
    misses: Estimate


def read_accuracy(store: Store, experts: Collection[str], app: str = "") -> tuple[Accuracy, ...]:
    """How every reader did beside the experts, on texts of all apps or of one; nothing where there are no experts."""
    if not experts:
        return ()
    return tuple(accuracy(row) for row in store.select(query("known"), experts=sorted(experts), app=app))


def accuracy(row: Mapping[str, Any]) -> Accuracy:
    """Counts of answers to errors with their limits."""
    yes, yes_said, no, no_said_yes = (row[name] for name in ("yes", "yes_said", "no", "no_said_yes"))
    if row["question"] in {RELEVANT, CORRECT}:  # no is what is bad
        gold = Gold(good=yes, good_called_bad=yes - yes_said, bad=no, bad_called_bad=no - no_said_yes)
    else:
        gold = Gold(good=no, good_called_bad=no_said_yes, bad=yes, bad_called_bad=yes_said)
    missed = gold.bad - gold.bad_called_bad
    return Accuracy(
        row["reader"], row["question"], gold, _share(gold.good_called_bad, gold.good), _share(missed, gold.bad)
    )


def golds(found: Iterable[Accuracy]) -> Mapping[str, Gold]:
    """All readers together, by question."""
    together: dict[str, Gold] = {}
    for each in found:
        before, gold = together.get(each.question, Gold(0, 0, 0, 0)), each.gold
        together[each.question] = Gold(
            before.good + gold.good,
            before.good_called_bad + gold.good_called_bad,
            before.bad + gold.bad,
            before.bad_called_bad + gold.bad_called_bad,
        )
    return together


def values(found: Sequence[Accuracy]) -> list[Mapping[str, object]]:
    """The figures for ``json.dumps``."""
    return [
        {
            "reader": each.reader,
            "question": each.question,
            "good": each.gold.good,
            "false_calls": _plain(each.false_calls),
            "bad": each.gold.bad,
            "misses": _plain(each.misses),
        }
        for each in found
    ]


def _share(wrong: int, texts: int) -> Estimate:
    return Estimate(wrong / texts, clopper_pearson(wrong, texts)) if texts else UNKNOWN


def _plain(estimate: Estimate) -> Mapping[str, object]:
    return {"value": estimate.value, "low": estimate.interval.low, "high": estimate.interval.high}
