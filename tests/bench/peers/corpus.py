"""Prompts and responses to compare libraries with: lengths as in chats, words of the demo."""

import random

from tests.bench.texts import words

_COUNT = 48
_MEDIAN_WORDS = 45
_SPREAD = 1.1  # of the logarithm: one text in twenty has six times the median


def pairs(seed: int = 7) -> list[tuple[str, str]]:
    """``(prompt, response)``, log-normal lengths of at most 400 words."""
    source, vocabulary = random.Random(seed), words()

    def text() -> str:
        count = min(400, max(3, round(_MEDIAN_WORDS * source.lognormvariate(0, _SPREAD))))
        return " ".join(source.choices(vocabulary, k=count)) + "."

    return [(text(), text()) for _ in range(_COUNT)]
