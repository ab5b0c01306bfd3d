"""A guard made of a model that reads texts by itself, such as Detoxify."""

from collections.abc import Mapping, Sequence

from guards.classifier import blank_reading, worst_windows
from guards.guard import Passage, Reading, Scorer, Side, TextFeatures


class ScorerGuard:
    """Scores every label of a model over the windows of a passage; the highest window counts.

    Sides and roles are those of ``guards.classifier.ClassifierGuard``, whose place it may take.
    """

    lower_is_worse = False

    def __init__(self, name: str, scorer: Scorer, sides: frozenset[Side], roles: frozenset[str]) -> None:
        self.name = name
        self.version = scorer.version
        self.labels = scorer.labels
        self.languages = scorer.languages
        self._scorer = scorer
        self._sides = sides
        self._roles = roles

    def applies(self, passage: Passage) -> bool:
        return passage.side in self._sides

    def needs(self, passage: Passage) -> Sequence[str]:  # noqa: ARG002 - the model has an encoder of its own
        return ()

    def read(self, passages: Sequence[Passage], features: Mapping[str, TextFeatures]) -> Sequence[Reading]:  # noqa: ARG002 - as above
        texts = list(dict.fromkeys(passage.text for passage in passages if passage.role in self._roles))
        scored = dict(zip(texts, self._scorer.score(texts), strict=True))
        return [
            worst_windows(self.labels, scored[passage.text].spans, scored[passage.text].values)
            if passage.role in self._roles
            else blank_reading(self.labels)
            for passage in passages
        ]
