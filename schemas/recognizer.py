"""Kinds of personal data that a policy brings along."""

from typing import Annotated, Final, Literal

import re2
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from schemas.record import Identifier
from schemas.verdict import Fraction

Checksum = Literal["luhn", "mod97", "verhoeff"]

_MEMORY_BYTES: Final = 1 << 20  # what one expression may grow to: enough for lists of words, too little for a bomb


def compile_pattern(pattern: str) -> "re2._Regexp[str]":
    """The pattern in RE2, whose matching is linear in the text. Raises ``re2.error``."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    return re2.compile(pattern, options)


def _is_re2(pattern: str) -> str:
    try:
        compiled = compile_pattern(pattern)
    except re2.error:
        raise PydanticCustomError("pattern", "RE2 does not take this pattern") from None
    if compiled.fullmatch(""):
        raise PydanticCustomError("pattern", "this pattern matches nothing at all, and so everywhere")
    return pattern


Pattern = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_is_re2)]
Word = Annotated[str, Field(min_length=1, max_length=100)]


class Recognizer(BaseModel):
    """A kind of data: its label, and how it looks.

    A match of any of ``patterns`` (RE2) scores ``score``, and ``with_context`` where one of the ``context`` words
    begins near it. With a ``checksum`` only matches count whose digits and letters satisfy it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    name: Annotated[Identifier, Field(pattern=r"^[A-Z][A-Z0-9_]{1,63}$")]
    patterns: Annotated[tuple[Pattern, ...], Field(min_length=1, max_length=20)]
    score: Fraction = 0.6
    context: Annotated[tuple[Word, ...], Field(max_length=100)] = ()
    with_context: Fraction = 0.9
    checksum: Checksum | None = None
