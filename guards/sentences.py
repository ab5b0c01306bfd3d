"""A text's sentences as spans of code points."""

import re
from dataclasses import dataclass
from itertools import pairwise

# After the signs of many scripts and what may close behind them, or at a line's end. Possessive, and never begun inside
# a run of signs: 100,000 full stops must not cost their square. A full stop after one letter ("J. Smith") ends nothing.
_END = re.compile(
    r"""(?:(?<![.!?…])(?<!\b[A-Za-z])[.!?…]++["'»”’)\]]*+(?=\s)|(?<![。！？])[。！？]++["'」』”’]*+|[؟۔।]|\n)\s*+"""  # noqa: RUF001 - signs of other scripts
)


@dataclass(frozen=True, slots=True)
class Span:
    """Code points ``start`` to ``end`` (exclusive)."""

    start: int
    end: int


def sentences(text: str) -> list[Span]:
    """The sentences in order, without the space around them; none for a blank text."""
    edges = [0, *(match.end() for match in _END.finditer(text)), len(text)]
    found = []
    for start, end in pairwise(edges):
        piece = text[start:end]
        if piece.strip():
            left = start + len(piece) - len(piece.lstrip())
            found.append(Span(left, left + len(piece.strip())))
    return found
