"""Does the response say that it will not, or cannot, answer?"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import re2

from guards.guard import Encoder, Floats, Passage, Reading, Score, Side, TextFeatures
from guards.patterns import PatternFile, read
from guards.spans import well_formed

REFUSED: Final = 0.5
"""From this score on, other guards take a response for a refusal."""

_STRAIGHT: Final = str.maketrans({"\u2019": "'", "\u02bc": "'", "\u00b4": "'", "`": "'"})


class Refusals:
    """Tells refusals by patterns, and by nearness to examples where no pattern fits. Thread-safe after ``load``."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.version = ""

    def load(self) -> None:
        """Read the patterns and encode the examples: a fraction of a second. Raises ConfigError for a broken file."""
        file: PatternFile = read("refusal.toml")
        self._scores: Mapping[str, float] = file.tables["scores"]
        self._pattern = re2.compile("|".join(f"(?:{pattern})" for pattern in file.tables["patterns"]["refusals"]))
        self._meaning: Mapping[str, float] = file.tables["meaning"]
        self._near = self._vectors(file.tables["meaning"]["refusals"])
        self._far = self._vectors(file.tables["meaning"]["others"])
        self.version = f"refusal@{file.digest}+{self._encoder.version}"

    def _vectors(self, examples: Sequence[str]) -> Floats:
        return np.concatenate([features.mean[:1] for features in self._encoder.encode(examples)])

    def score(self, text: str, features: TextFeatures) -> float:
        """How sure it is that the text is a refusal, 0 to 1; 0 for a blank text."""
        if not len(features.spans):
            return 0.0
        return max(self._by_pattern(text), self._by_meaning(features))

    def _by_pattern(self, text: str) -> float:
        # One code point may become several in lower case: close enough for what counts as the opening.
        found = self._pattern.search(well_formed(text).lower().translate(_STRAIGHT))
        if not found:
            return 0.0
        return self._scores["opening" if found.start() < self._scores["opening_chars"] else "elsewhere"]

    def _by_meaning(self, features: TextFeatures) -> float:
        """By the first sentence, or the whole of a short text: what a refusal opens with."""
        opening = features.mean[_first_window(features)]
        nearness = float((self._near @ opening).max())
        if nearness < self._meaning["least"]:
            return 0.0
        margin = nearness - float((self._far @ opening).max())
        return 1 / (1 + float(np.exp(-self._meaning["slope"] * (margin - self._meaning["margin"]))))


def _first_window(features: TextFeatures) -> int:
    """The shortest of the windows that begin the text."""
    starts = np.flatnonzero(features.spans[:, 0] == features.spans[:, 0].min())
    return int(starts[features.spans[starts, 1].argmin()])


class RefusalGuard:
    """Scores every response for being a refusal. That is no offence: the score tells refusals from bad answers."""

    name = "refusal"
    labels = ("refusal",)
    lower_is_worse = False
    languages = frozenset({"de", "en", "es", "fr", "it", "pt"})

    def __init__(self, refusals: Refusals) -> None:
        self.version = refusals.version
        self._refusals = refusals

    def applies(self, passage: Passage) -> bool:
        return passage.side is Side.RESPONSE

    def needs(self, passage: Passage) -> Sequence[str]:
        return (passage.text,)

    def read(self, passages: Sequence[Passage], features: Mapping[str, TextFeatures]) -> Sequence[Reading]:
        return [Reading({"refusal": Score(self._refusals.score(p.text, features[p.text]))}) for p in passages]
