"""Which prompts run together: of similar length, and as many as memory takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_PADDING: Final = 64  # tokens; less costs less than running apart


@dataclass(frozen=True, slots=True)
class Extent:
    """Tokens of a prompt, and at most of its answer."""

    prompt: int
    answer: int


def group(extents: Sequence[Extent], tokens: int) -> Iterator[tuple[int, ...]]:
    """The indexes of all extents, each once, in groups of similar length, the shortest first.

    A group, padded to its longest prompt and its longest answer, holds at most so many ``tokens``, unless it is one
    extent that is larger by itself. In a group no prompt is padded to more than twice its length and a little.
    """
    held: list[int] = []
    longest_answer = 0
    for index in sorted(range(len(extents)), key=lambda index: extents[index].prompt):
        extent = extents[index]
        wanted = max(longest_answer, extent.answer)
        similar = not held or extent.prompt <= 2 * extents[held[0]].prompt + _PADDING
        if held and not (similar and (len(held) + 1) * (extent.prompt + wanted) <= tokens):
            yield tuple(held)
            held, wanted = [], extent.answer
        held.append(index)
        longest_answer = wanted
    if held:
        yield tuple(held)
