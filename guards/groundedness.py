"""Does the context support the response, and which of its sentences does it not?"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp
from typing import Final

from guards.guard import Hit, Passage, Reading, Score, Side, TextFeatures
from guards.patterns import read
from guards.refusal import REFUSED, Refusals
from guards.sentences import Span, sentences
from guards.smalltalk import SmallTalk
from guards.words import stem, stems, weight, words

UNSUPPORTED: Final = "UNSUPPORTED_SENTENCE"
"""Label of the sentences: like the guard's own score, low is bad."""

_PREFIX: Final = 5
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3})")
_NUMBER_WORDS: Final = "two three four five six seven eight nine ten eleven twelve"
# "One" is an article as often as a number.
_IN_DIGITS: Final = {stem(word): str(number) for number, word in enumerate(_NUMBER_WORDS.split(), start=2)}


@dataclass(frozen=True, slots=True)
class _Known:
    """What a response may rely on. ``anywhere`` has the question's words as well: it may name what it was asked for."""

    stems: frozenset[str]
    beginnings: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    anywhere: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence, how much of it is supported (0 to 1), and how much it weighs."""

    span: Span
    support: float
    weight: float


class GroundednessGuard:
    """How much of the response its context has, 0 to 1, and as hits the support of each sentence that needs some.

    Words count by how rare they are, their order a little; a name or number that neither context nor question has
    makes a sentence that is otherwise the context's an unsupported one. It is lexical: what says the same in other
    words scores low, what turns the context's own words round passes. A response without a word claims nothing and
    scores 1; greetings, refusals and bare answers score .45 or more, for there is little to be supported.
    """

    name = "groundedness"
    labels = ("groundedness",)
    lower_is_worse = True
    languages = None

    def __init__(self, refusals: Refusals) -> None:
        file = read("groundedness.toml")
        self.version = f"groundedness@{file.digest}+{refusals.version}"
        self._refusals = refusals
        self._small_talk = SmallTalk()
        self._sentence: Mapping[str, float] = file.tables["sentence"]
        self._reply: Mapping[str, float] = file.tables["reply"]
        self._free = re.compile("|".join(f"(?:{pattern})" for pattern in file.tables["free"]["patterns"]), re.DOTALL)

    def applies(self, passage: Passage) -> bool:
        return passage.side is Side.RESPONSE and bool(passage.context)

    def needs(self, passage: Passage) -> Sequence[str]:
        return (passage.text,)

    def read(self, passages: Sequence[Passage], features: Mapping[str, TextFeatures]) -> Sequence[Reading]:
        return [self._read(passage, features[passage.text]) for passage in passages]

    def _read(self, passage: Passage, features: TextFeatures) -> Reading:
        known = _known(passage)
        found = [self._support(passage.text, span, known) for span in self._claims(passage.text)]
        if not found:
            return Reading({"groundedness": Score(1.0)})
        whole = sum(each.support * each.weight for each in found) / sum(each.weight for each in found)
        score = self._probability((whole + min(each.support for each in found)) / 2)
        if self._says_nothing(passage.text, features):
            return Reading({"groundedness": Score(max(score, self._reply["undecided"]))})
        hits = tuple(
            Hit(UNSUPPORTED, self._probability(each.support), each.span.start, each.span.end)
            for each in found
            if not self._free.fullmatch(passage.text[each.span.start : each.span.end].lower())
        )
        return Reading({"groundedness": Score(score)}, hits)

    def _says_nothing(self, text: str, features: TextFeatures) -> bool:
        return self._small_talk.is_one(text) or self._refusals.score(text, features) >= REFUSED

    def _probability(self, support: float) -> float:
        return 1 / (1 + exp(-(self._reply["slope"] * support + self._reply["constant"])))

    def _claims(self, text: str) -> list[Span]:
        """The sentences, those of few words joined to the one before; none where there are no words at all."""
        joined: list[Span] = []
        for span in sentences(text):
            short = len(words(text[span.start : span.end])) < self._sentence["least_words"]
            if joined and short:
                joined[-1] = Span(joined[-1].start, span.end)
            else:
                joined.append(span)
        return [span for span in joined if words(text[span.start : span.end])]

    def _support(self, text: str, span: Span, known: _Known) -> _Sentence:
        sentence = _plain(text[span.start : span.end])
        said = stems(sentence)
        heavy = sum(map(weight, said)) or 1.0
        nearly = self._sentence["nearly"]
        had = sum(weight(each) * _has(known, each, nearly) for each in said)
        pairs = list(pairwise(said))
        order = sum(pair in known.pairs for pair in pairs) / len(pairs) if pairs else had / heavy
        support = self._sentence["words"] * had / heavy + self._sentence["order"] * order
        if support >= self._sentence["strange_from"] and _is_strange(sentence, known):
            support = self._sentence["strange_most"]
        return _Sentence(span, support, heavy)


def _has(known: _Known, stem_: str, nearly: float) -> float:
    if stem_ in known.stems:
        return 1.0
    return nearly if len(stem_) >= _PREFIX and stem_[:_PREFIX] in known.beginnings else 0.0


_NAME_OR_NUMBER: Final = re.compile(r"\b[^\W\d_a-z][\w\u2019'.-]*\w|\d[\w.]*")


def _is_strange(sentence: str, known: _Known) -> bool:
    """Whether a name within the sentence, or a number, is in neither context nor question."""
    opening = len(sentence) - len(sentence.lstrip("\"'\u201c\u2018( "))
    told = [
        each
        for found in _NAME_OR_NUMBER.finditer(sentence)
        if found.start() > opening or found.group()[0].isdigit()  # every sentence begins with a capital
        for each in stems(found.group())
    ]
    told += [each for each in stems(sentence) if each in _IN_DIGITS]
    return any(_IN_DIGITS.get(each, each) not in known.anywhere for each in told if each not in known.anywhere)


def _plain(text: str) -> str:
    """The text without the commas that group digits: 1,000 is 1000."""
    return _THOUSANDS.sub("", text)


def _known(passage: Passage) -> _Known:
    given = [stems(_plain(text)) for text in passage.context]
    found = frozenset(each for text in given for each in text)
    numbers = {_IN_DIGITS[each] for each in found if each in _IN_DIGITS}
    spelt = {each for each, number in _IN_DIGITS.items() if number in found}
    return _Known(
        stems=found | numbers | spelt,
        beginnings=frozenset(each[:_PREFIX] for each in found),
        pairs=frozenset(pair for text in given for pair in pairwise(text)),
        anywhere=found | numbers | spelt | frozenset(stems(_plain(passage.question or ""))),
    )
