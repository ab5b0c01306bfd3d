"""What the tagger of personal data learns from: token ids with a class each.

Made-up texts (``models.training.personal``) are labelled exactly. Public sentences are labelled by the checkpoint that
is adapted: where it is sure of a name or a place, and nothing else is marked, the sentence is also written with other
names in their place. Words of them that might be what the checkpoint does not know (dates, firms…) teach nothing.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from models.tagger import LABELS
from models.training.personal import Author

Span: TypeAlias = tuple[int, int, str]

IGNORED: Final = -100
MOST_TOKENS: Final = 256
_SURE, _DOUBTFUL = 0.6, 0.9  # probabilities of the checkpoint: below, a name or a nothing is left out
_VARIANTS: Final = 3
_NOTICEABLE: Final = re.compile(r"\S*[A-Z0-9]\S*")
_TEACHES: Final = {
    "GIVEN_NAME": "PERSON",
    "SURNAME": "PERSON",
    "CITY": "LOCATION",
    "STATE": "LOCATION",
}


@dataclass(frozen=True, slots=True)
class Guess:
    """What the checkpoint says of a token: code points, class name ("B-CITY", "O") and probability."""

    start: int
    end: int
    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Taught:
    """One text in tokens, with the class of each; ``IGNORED`` teaches nothing."""

    ids: NDArray[np.int64]
    classes: NDArray[np.int64]


def teach(tokenizer: Tokenizer, text: str, spans: Sequence[Span], unclear: Sequence[tuple[int, int]] = ()) -> Taught:
    """The text's tokens with the classes of the spans; what overlaps an unclear stretch is ignored."""
    encoding = tokenizer.encode(text)
    classes = np.zeros(len(encoding.ids), np.int64)
    classes[[0, -1]] = IGNORED
    begun: set[Span] = set()
    for place in range(1, len(classes) - 1):
        classes[place] = _class(encoding, place, spans, unclear, begun)
    return Taught(np.array(encoding.ids, np.int64), classes)


def _class(
    encoding: Encoding, place: int, spans: Sequence[Span], unclear: Sequence[tuple[int, int]], begun: set[Span]
) -> int:
    start, end = encoding.offsets[place]
    for span in spans:
        if span[0] <= start and end <= span[1]:
            first = span not in begun
            begun.add(span)
            return 1 + 2 * LABELS.index(span[2]) + (0 if first else 1)
        if start < span[1] and end > span[0]:
            return IGNORED
    return IGNORED if any(start < last and end > first for first, last in unclear) else 0


class Rewriter:
    """Makes labelled texts of public sentences, some with the names in them replaced."""

    def __init__(self, sentences: Iterable[str], seed: int) -> None:
        self._author = Author(seed, aside=False)
        self._random = random.Random(seed)  # noqa: S311 - the same seed is to give the same texts
        low, all_ = Counter[str](), Counter[str]()
        for word in (word for sentence in sentences for word in re.findall(r"[A-Za-z']+", sentence)):
            all_[word.lower()] += 1
            low[word.lower()] += word.islower()
        self._common = {word for word, count in low.items() if count >= 3 and count >= (all_[word] - count) * 0.5}

    def plain(self, text: str) -> tuple[str, list[Span], list[tuple[int, int]]]:
        """A sentence that nobody labelled: its common words are nothing, the others are unclear."""
        return text, [], list(self._unclear(text, 0))

    def variants(self, text: str, guesses: Sequence[Guess]) -> Iterator[tuple[str, list[Span], list[tuple[int, int]]]]:
        """The sentence as it is, and with other names; nothing where the checkpoint is unsure of what it marks."""
        spans = _certain(text, guesses)
        if spans is None:
            return
        doubtful = [(g.start, g.end) for g in guesses if g.label == "O" and g.probability < _DOUBTFUL]
        for variant in range(_VARIANTS if spans else 1):
            replace: Callable[[str, str], str] = self._other if variant else (lambda value, _: value)
            made, placed, unclear = self._written(text, spans, replace)
            yield made, placed, unclear + (doubtful if variant == 0 else [])

    def _written(
        self, text: str, spans: Sequence[Span], replace: Callable[[str, str], str]
    ) -> tuple[str, list[Span], list[tuple[int, int]]]:
        made, position = "", 0
        placed: list[Span] = []
        unclear: list[tuple[int, int]] = []
        for start, end, label in [*spans, (len(text), len(text), "")]:
            unclear += self._unclear(text[position:start], len(made))
            made += text[position:start]
            if label:
                value = replace(text[start:end], label)
                placed.append((len(made), len(made) + len(value), label))
                made += value
            position = end
        return made, placed, unclear

    def _other(self, value: str, label: str) -> str:
        if label == "LOCATION":
            return self._author.value("city" if self._random.random() < 0.6 else "country")
        return self._author.value("person" if " " in value else self._random.choice(("first", "last")))

    def _unclear(self, text: str, base: int) -> Iterator[tuple[int, int]]:
        for found in _NOTICEABLE.finditer(text):
            if re.sub(r"\W", "", found[0]).lower() not in self._common:
                yield base + found.start(), base + found.end()


def _certain(text: str, guesses: Sequence[Guess]) -> list[Span] | None:
    """The names and places of a sentence; None where a mark is unsure, of another kind, or ends amid a word."""
    spans: list[Span] = []
    for guess in (guess for guess in guesses if guess.label != "O"):
        label = _TEACHES.get(guess.label[2:])
        if label is None or guess.probability < _SURE:
            return None
        gap = text[spans[-1][1] : guess.start] if spans else None
        if (
            spans
            and spans[-1][2] == label
            and (gap == "" or (gap == " " and (guess.label[0] == "I" or label == "PERSON")))
        ):
            spans[-1] = (spans[-1][0], guess.end, label)
        else:
            spans.append((guess.start, guess.end, label))
    amid = any(text[s - 1 : s].isalnum() or text[e : e + 1].isalnum() for s, e, _ in spans)
    return None if amid else spans
