"""Is the response about what was asked?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from guards.guard import Floats, Passage, Reading, Score, Side, TextFeatures
from guards.patterns import read
from guards.refusal import REFUSED, Refusals
from guards.smalltalk import SmallTalk
from guards.words import stem, weight, words

EARLIER_TURNS: Final = 8
"""Of the user, latest first: an answer may take up what was asked before."""

# Longer texts are read in this many parts, so that cost stays linear in their length and memory bounded.
_MOST_QUESTION_PARTS: Final = 64
_MOST_RESPONSE_PARTS: Final = 512
_PREFIX: Final = 5  # stems that agree in so many letters are nearly one: "invent", "inventor"
_NEARLY: Final = 0.8


@dataclass(frozen=True, slots=True)
class _Parts:
    """A text in windows: their vectors ``(parts, dim)`` and their stems."""

    vectors: Floats
    stems: tuple[frozenset[str], ...]


class RelevanceGuard:
    """How likely the response belongs to the question, 0 to 1: the best pair of windows counts.

    Cosine and shared words, weighted by how rare they are, make the score. Earlier questions of the conversation count
    as well as the last. What says too little to be off-topic (a bare number, yes, a greeting, a question back, a
    refusal) scores .4 or more. A blank question or response has nothing to compare and scores 1: silence is not
    off-topic.
    """

    name = "relevance"
    labels = ("relevance",)
    lower_is_worse = True
    languages = frozenset({"en"})

    def __init__(self, refusals: Refusals, encoder_version: str) -> None:
        file = read("relevance.toml")
        self.version = f"relevance@{file.digest}+{encoder_version}"
        self._refusals = refusals
        self._weights: Mapping[str, float] = file.tables["weights"]
        self._short: Mapping[str, float] = file.tables["short"]
        self._undecided: float = file.tables["undecided"]["score"]
        self._small_talk = SmallTalk()

    def applies(self, passage: Passage) -> bool:
        return passage.side is Side.RESPONSE and passage.question is not None

    def needs(self, passage: Passage) -> Sequence[str]:
        return (passage.text, *_questions(passage))

    def read(self, passages: Sequence[Passage], features: Mapping[str, TextFeatures]) -> Sequence[Reading]:
        return [Reading({"relevance": Score(self._score(passage, features))}) for passage in passages]

    def _score(self, passage: Passage, features: Mapping[str, TextFeatures]) -> float:
        said, last = features[passage.text], features[passage.question or ""]
        if not len(said.spans) or not len(last.spans):
            return 1.0
        response = _parts(passage.text, said, _MOST_RESPONSE_PARTS)
        asked = [_parts(question, features[question], _MOST_QUESTION_PARTS) for question in _questions(passage)]
        score = max(self._pair(response, question) for question in asked if len(question.stems))
        if self._small_talk.is_one(passage.text) or self._refusals.score(passage.text, said) >= REFUSED:
            return max(score, self._undecided)
        return score

    def _pair(self, response: _Parts, question: _Parts) -> float:
        """The best pair of windows of response and question."""
        cosines = response.vectors @ question.vectors.T
        logits = self._weights["cosine"] * cosines + self._weights["overlap"] * self._overlaps(response, question)
        return 1 / (1 + float(np.exp(-(logits.max() + self._weights["constant"]))))

    def _overlaps(self, response: _Parts, question: _Parts) -> Floats:
        """The share of each question part's words that each response part has, by weight: ``(response, question)``."""
        vocabulary = {stem: place for place, stem in enumerate(sorted(frozenset().union(*question.stems)))}
        asked = np.zeros((len(question.stems), len(vocabulary)), np.float32)
        for row, found in enumerate(question.stems):
            asked[row, [vocabulary[stem] for stem in found]] = [weight(stem) for stem in found]
        shared = _shared(response, vocabulary) @ asked.T
        shares = shared / np.maximum(asked.sum(axis=1), 1e-6)
        # How far the words of a part can be expected to be the question's; see the file.
        told = np.minimum(1, np.array([[len(found)] for found in response.stems]) / self._short["words"])
        return np.asarray(shares * told + self._short["usual_overlap"] * (1 - told), np.float32)


def _shared(response: _Parts, vocabulary: Mapping[str, int]) -> Floats:
    """Which words of the vocabulary each part of the response has: 1, or less for one that is nearly it."""
    nearly: dict[str, list[int]] = {}
    for stem_, place in vocabulary.items():
        if len(stem_) >= _PREFIX:
            nearly.setdefault(stem_[:_PREFIX], []).append(place)
    shared = np.zeros((len(response.stems), len(vocabulary)), np.float32)
    for row, found in enumerate(response.stems):
        for stem_ in found:
            shared[row, nearly.get(stem_[:_PREFIX], [])] = _NEARLY
        shared[row, [vocabulary[stem_] for stem_ in found if stem_ in vocabulary]] = 1
    return shared


def _questions(passage: Passage) -> list[str]:
    """What the response may answer: the last message of the user, and some before it, latest first."""
    earlier = [message.content for message in reversed(passage.conversation) if message.role == "user"]
    return list(dict.fromkeys([passage.question or "", *earlier[: EARLIER_TURNS + 1]]))


def _parts(text: str, features: TextFeatures, most: int) -> _Parts:
    """The text's windows, or where there are more than ``most``, that many groups of neighbours."""
    count = len(features.spans)
    if not count:
        return _Parts(features.mean, ())
    groups = np.array_split(np.arange(count), min(count, most))
    vectors = np.stack([features.mean[group].mean(axis=0) for group in groups])
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    spans = [(features.spans[group, 0].min(), features.spans[group, 1].max()) for group in groups]
    return _Parts(vectors, tuple(frozenset(map(stem, words(text[start:end]))) for start, end in spans))
