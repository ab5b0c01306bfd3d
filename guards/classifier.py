"""A guard made of a trained head on the shared encoder: toxicity and injection."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from guards.guard import Floats, Head, Passage, Reading, Score, Side, TextFeatures


class ClassifierGuard:
    """Scores every label of a head over the windows of a passage; the highest window counts.

    Only passages of the given sides are read. Roles that are not listed are trusted and score 0: a system prompt is
    the application's own. So does a blank text.
    """

    lower_is_worse = False

    def __init__(self, name: str, head: Head, sides: frozenset[Side], roles: frozenset[str]) -> None:
        self.name = name
        self.version = head.version
        self.labels = head.labels
        self._head = head
        self._sides = sides
        self._roles = roles

    def applies(self, passage: Passage) -> bool:
        return passage.side in self._sides

    def needs(self, passage: Passage) -> Sequence[str]:
        return (passage.text,) if passage.role in self._roles else ()

    def read(self, passages: Sequence[Passage], features: Mapping[str, TextFeatures]) -> Sequence[Reading]:
        return [self._read(features[passage.text] if self.needs(passage) else None) for passage in passages]

    def _read(self, features: TextFeatures | None) -> Reading:
        if features is None:
            return blank_reading(self.labels)
        return worst_windows(self.labels, features.spans, self._head.predict(features))


def blank_reading(labels: Sequence[str]) -> Reading:
    """The reading of a passage that holds nothing to be judged: every label scores 0."""
    return Reading({label: Score(0.0) for label in labels})


def worst_windows(labels: Sequence[str], spans: NDArray[np.int32], values: Floats) -> Reading:
    """Each label's highest score over the windows, with the span of the window that it comes from.

    ``spans`` is ``(windows, 2)``, ``values`` is ``(windows, labels)``; without windows every label scores 0.
    """
    if not len(spans):
        return blank_reading(labels)
    worst = values.argmax(axis=0)
    return Reading(
        {
            label: Score(float(values[window, column]), int(spans[window, 0]), int(spans[window, 1]))
            for column, (label, window) in enumerate(zip(labels, worst, strict=True))
        }
    )
