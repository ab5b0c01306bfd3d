"""Text with its sensitive spans replaced by what they are."""

from collections.abc import Iterable

from guards.guard import Hit
from guards.spans import resolve


def placeholder(label: str) -> str:
    """What stands in the masked text for a span with this label."""
    return f"<{label}>"


def mask(text: str, hits: Iterable[Hit]) -> str:
    """The text with every hit replaced by its placeholder; overlapping hits share one (``guards.spans.resolve``).

    All that lies outside the hits is kept as it is, lone surrogates included. Order and repetition of the hits do
    not matter, and what reaches beyond the text is cut to it.
    """
    pieces = []
    position = 0
    for hit in resolve(hits):
        pieces.append(text[position : hit.start])
        pieces.append(placeholder(hit.label))
        position = hit.end
    pieces.append(text[position:])
    return "".join(pieces)
