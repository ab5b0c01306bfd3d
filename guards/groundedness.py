"""Does the context support the response?"""

import re
from collections.abc import Mapping, Sequence

from guards.guard import Passage, Reading, Score, Side, TextFeatures

_WORD = re.compile(r"\w+(?:['\u2019]\w+)?")


class GroundednessGuard:
    """The share of the response's words that occur in the context, 0 to 1.

    A response without a word claims nothing and scores 1. Counting words catches what was invented or swapped in,
    not a sentence that turns the context's own words round.
    """

    name = "groundedness"
    version = "overlap@1"
    labels = ("groundedness",)
    lower_is_worse = True
    languages = None

    def applies(self, passage: Passage) -> bool:
        return passage.side is Side.RESPONSE and bool(passage.context)

    def needs(self, passage: Passage) -> Sequence[str]:  # noqa: ARG002 - it needs no features for any passage
        return ()

    def read(self, passages: Sequence[Passage], features: Mapping[str, TextFeatures]) -> Sequence[Reading]:  # noqa: ARG002 - as above
        return [Reading({"groundedness": Score(_supported(passage))}) for passage in passages]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _supported(passage: Passage) -> float:
    said = _words(passage.text)
    if not said:
        return 1.0
    given = {word for text in passage.context for word in _words(text)}
    return sum(word in given for word in said) / len(said)
