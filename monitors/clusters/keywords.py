"""The words that tell a group of texts from the rest."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from math import log, sqrt
from typing import Final

_PLACEHOLDER: Final = re.compile(r"<[A-Z][A-Z0-9_]*>")
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_PRIOR_TEXTS: Final = 10.0
_CLEAR: Final = 1.64  # one-sided 5%


def words_of(text: str) -> frozenset[str]:
    """The distinct words of a text, case folded, without placeholders and what is shorter than three letters."""
    return frozenset(word.casefold() for word in _WORD.findall(_PLACEHOLDER.sub(" ", text)))


def keywords(texts: Sequence[Collection[str]], group: Iterable[int], most: int = 5) -> tuple[str, ...]:
    """The words that far more of the group's texts have than of the others, clearest first.

    Log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008), counting texts and not
    occurrences; the prior is worth ten texts of the usual mixture. A word counts from two texts and z > 1.64 on.
    """
    inside = set(group)
    every, mine = Counter[str](), Counter[str]()
    for row, words in enumerate(texts):
        every.update(words)
        if row in inside:
            mine.update(words)
    here, there = len(inside), len(texts) - len(inside)
    scores = {
        word: _clearness((count, here), (every[word] - count, there), every[word] / len(texts))
        for word, count in mine.items()
        if count > 1
    }
    clear = [word for word, score in scores.items() if score > _CLEAR]
    return tuple(sorted(clear, key=lambda word: (-scores[word], word))[:most])


def _clearness(mine: tuple[int, int], others: tuple[int, int], usual: float) -> float:
    """The z of the log-odds ratio of a word: texts that have it, of how many, here and elsewhere."""
    (logit, variance), (other, other_variance) = _logit(*mine, usual), _logit(*others, usual)
    return (logit - other) / sqrt(variance + other_variance)


def _logit(having: int, texts: int, usual: float) -> tuple[float, float]:
    prior = _PRIOR_TEXTS * min(usual, 1 - 1e-6)
    present, absent = having + prior, texts - having + _PRIOR_TEXTS - prior
    return log(present / absent), 1 / present
