"""What is asked about a review, and answers as people type them."""

from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import TypeAdapter, ValidationError

from schemas.errors import Code, ConfigError
from schemas.label import CORRECT, RELEVANT, Question
from streams.reviews.stored import StoredReview

_OF_TEXTS: Final = ("toxicity", "pii", "secrets")
_OF_PROMPTS: Final = ("injection",)
_OF_RESPONSES: Final = ("groundedness", "leakage", RELEVANT, CORRECT)
_WORDS: Final[Mapping[str, bool]] = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}
_QUESTION: Final = TypeAdapter(Question)


def questions(review: StoredReview) -> tuple[str, ...]:
    """What to ask: about what the texts may hold, and what else a guard found (but relevance, which is asked)."""
    sides = {passage.side for passage in review.passages if not passage.beside}
    asked = [*_OF_TEXTS]
    if sides & {"prompt", "context"}:
        asked += _OF_PROMPTS
    if "response" in sides:
        asked += _OF_RESPONSES
    found = (finding.guard for finding in review.findings if finding.kind != "error")
    return tuple(dict.fromkeys([*asked, *(guard for guard in found if guard != "relevance")]))


def harmless(asked: Iterable[str]) -> Mapping[str, bool]:
    """The answers that find nothing wrong: no problem, and relevant. That it is correct does not follow."""
    return {question: question == RELEVANT for question in asked if question != CORRECT}


def read_answers(words: Iterable[str]) -> Mapping[str, bool]:
    """Answers from ``toxicity=yes``, ``pii.EMAIL_ADDRESS=no``, ``relevant=yes``.

    Raises:
        ConfigError: a word that is none, or no question; named.
    """
    answers = {}
    for word in words:
        question, _, said = word.partition("=")
        if said.lower() not in _WORDS:
            raise ConfigError("expected QUESTION=yes or QUESTION=no", code=Code.INVALID_FIELD, field=question)
        try:
            answers[_QUESTION.validate_python(question)] = _WORDS[said.lower()]
        except ValidationError as error:
            raise ConfigError(error.errors()[0]["msg"], code=Code.INVALID_FIELD, field=question) from None
    return answers
