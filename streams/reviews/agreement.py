"""How far people agree who read the same texts without seeing anything of each other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from monitors.estimates.agreement import cohen, krippendorff
from monitors.intervals import Estimate
from streams.store.client import Store
from streams.store.sql import query


@dataclass(frozen=True, slots=True)
class Agreement:
    """On one question: how many texts two people or more answered, on how many they differed, and beyond chance.

    ``cohen`` is that of the first two who answered each text, ``krippendorff`` that of all.
    """

    question: str
    texts: int
    disputed: int
    cohen: Estimate
    krippendorff: Estimate


def read_agreement(store: Store, app: str = "") -> tuple[Agreement, ...]:
    """The agreement on every question that two people have answered of one text; of all apps, or of one."""
    rows = store.select(query("agreement"), app=app)
    grouped = groupby(rows, key=lambda row: str(row["question"]))
    return tuple(agreement(question, [row["answers"] for row in group]) for question, group in grouped)


def agreement(question: str, readings: Sequence[Sequence[bool]]) -> Agreement:
    """The agreement of these readings: for each text two answers or more, the earliest first."""
    table = np.zeros((2, 2), dtype=np.int64)
    for first, second, *_ in readings:
        table[int(first), int(second)] += 1
    named = [["yes" if answer else "no" for answer in answers] for answers in readings]
    disputed = sum(len(set(answers)) > 1 for answers in readings)
    return Agreement(question, len(readings), disputed, cohen(table), krippendorff(named))


def values(found: Iterable[Agreement]) -> list[Mapping[str, object]]:
    """The agreements for ``json.dumps``."""
    return [
        {
            "question": each.question,
            "texts": each.texts,
            "disputed": each.disputed,
            "cohen": _estimate(each.cohen),
            "krippendorff": _estimate(each.krippendorff),
        }
        for each in found
    ]


def _estimate(estimate: Estimate) -> Mapping[str, object]:
    return {"value": estimate.value, "low": estimate.interval.low, "high": estimate.interval.high}
