"""A guard made of a trained head on the shared encoder: toxicity and injection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from guards.disguise import Disguises, Rendering
from guards.guard import Floats, Head, Hit, Passage, Reading, Score, Side, TextFeatures
from guards.sentences import sentences

SHORT_CHARS: Final = 1000
"""Documents up to so many code points may be one window, which the encoder does not read sentence by sentence."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a guard reads: by which head each side, written by which roles, in languages that the heads know.

    The heads have the same labels. Roles that are not listed are trusted: a system prompt is the application's own.
    """

    heads: Mapping[Side, Head]
    roles: frozenset[str]
    languages: frozenset[str] = frozenset({"en"})
    encoder: str = ""
    """The version of what makes features: the same head says something else on others."""


class ClassifierGuard:
    """Scores every label of a side's head over the windows of a passage; the highest window counts.

    A passage that disguises what it says (``guards.disguise``) is read as it stands and undisguised, and the higher
    score counts; spans are those of the passage either way. Short documents of the context are read sentence by
    sentence as well. With ``marks``, hidden characters and forged turns are hits. Trusted roles and blank text score 0.
    """

    lower_is_worse = False

    def __init__(self, name: str, scope: Scope, disguises: Disguises, *, marks: bool = False) -> None:
        heads = list(scope.heads.values())
        self.name = name
        self.version = "+".join(
            dict.fromkeys([*(head.version for head in heads), disguises.version, scope.encoder])
        ).rstrip("+")
        self.labels = heads[0].labels
        self.languages = scope.languages
        self._scope = scope
        self._disguises = disguises
        self._marks = disguises.marks if marks else None

    def applies(self, passage: Passage) -> bool:
        return passage.side in self._scope.heads

    def needs(self, passage: Passage) -> Sequence[str]:
        if passage.role not in self._scope.roles:
            return ()
        return (passage.text, *(each.text for each in self._further(passage)))

    def read(self, passages: Sequence[Passage], features: Mapping[str, TextFeatures]) -> Sequence[Reading]:
        return [
            self._read(passage, features) if passage.role in self._scope.roles else blank_reading(self.labels)
            for passage in passages
        ]

    def _read(self, passage: Passage, features: Mapping[str, TextFeatures]) -> Reading:
        text, head = passage.text, self._scope.heads[passage.side]
        found = [
            self._scores(head, text, features),
            *(_in_original(self._scores(head, each.text, features), each) for each in self._further(passage)),
        ]
        hits: tuple[Hit, ...] = self._marks.hits(text) if self._marks else ()
        return Reading({label: max((s[label] for s in found), key=_value) for label in self.labels}, hits)

    def _further(self, passage: Passage) -> Sequence[Rendering]:
        """What is read beside the passage as it stands: what it disguises, and a short document's sentences."""
        found = self._disguises.renderings(passage.text)
        if passage.side is not Side.CONTEXT or len(passage.text) > SHORT_CHARS:
            return found
        whole = Rendering.of(passage.text)
        spans = sentences(passage.text)
        return found if len(spans) < 2 else (*found, *(whole.part(span.start, span.end) for span in spans))

    def _scores(self, head: Head, text: str, features: Mapping[str, TextFeatures]) -> Mapping[str, Score]:
        found = features[text]
        return worst_windows(self.labels, found.spans, head.predict(found, text)).scores


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


def _in_original(scores: Mapping[str, Score], rendering: Rendering) -> Mapping[str, Score]:
    return {
        label: score
        if score.start is None or score.end is None
        else Score(score.value, *rendering.origin(score.start, score.end))
        for label, score in scores.items()
    }


def _value(score: Score) -> float:
    return score.value
