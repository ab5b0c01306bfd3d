"""What went wrong with one side of a verdict, by what guards, readers and users said of it. Pure."""

from collections.abc import Collection, Iterator
from typing import Final

from schemas.label import CORRECT, RELEVANT

_OFF_TOPIC: Final = "relevance"  # what its guard finds is that a reply is not relevant
_OF_RESPONSES: Final = {RELEVANT: "not relevant", CORRECT: "not correct"}


def failings(
    side: str, guards: Collection[str], agreed: Collection[str], denied: Collection[str], *, disliked: bool
) -> tuple[str, ...]:
    """Names such as ``toxicity``, ``missed toxicity``, ``false alarm toxicity``, ``not relevant`` and ``disliked``.

    ``guards`` found something beyond ``allow``; readers said of the questions ``agreed`` and ``denied`` that the
    problem is there, or is not (for relevant and correct: that it is so, or is not). A miss counts on every side.
    """
    return tuple(dict.fromkeys(_failings(side, guards, agreed, denied, disliked=disliked)))


def _failings(
    side: str, guards: Collection[str], agreed: Collection[str], denied: Collection[str], *, disliked: bool
) -> Iterator[str]:
    wrong = {question.partition(".")[0] for question in denied} | ({_OFF_TOPIC} if RELEVANT in agreed else set())
    for guard in sorted(guards):
        yield f"false alarm {guard}" if guard in wrong else guard
    for question in sorted(agreed):
        guard = question.partition(".")[0]
        if guard not in guards and question not in _OF_RESPONSES:
            yield f"missed {guard}"
    if side == "response":
        yield from (name for question, name in _OF_RESPONSES.items() if question in denied)
        if disliked:
            yield "disliked"
