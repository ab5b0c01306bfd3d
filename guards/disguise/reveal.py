"""A text as it is meant to be read: tricks undone, codes decoded, and read again."""

from collections.abc import Callable, Iterator
from functools import lru_cache

from guards import patterns
from guards.disguise.codes import Codes
from guards.disguise.letters import Letters
from guards.disguise.marks import Marks
from guards.disguise.rendering import Edit, Rendering
from guards.disguise.styles import PATTERNS, Styles

_DEPTH = 3  # codes within codes
_REMEMBERED = 256  # texts: the guards of one batch ask for the same ones


class Disguises:
    """Renderings of texts. Pure once built, thread-safe, linear in a text's length.

    ``version`` changes whenever what is found may. A bounded memory holds the renderings of recent texts.
    """

    def __init__(self, letters: Letters, styles: Styles, codes: Codes, marks: Marks, digest: str) -> None:
        self.marks = marks
        self.version = digest
        self._letters = letters
        self._styles = styles
        self._codes = codes
        self.renderings: Callable[[str], tuple[Rendering, ...]] = lru_cache(_REMEMBERED)(self._renderings)

    @classmethod
    def load(cls) -> "Disguises":
        """From the packaged pattern file. Raises ConfigError when it cannot be read."""
        read = patterns.read(PATTERNS)
        tables = read.tables
        return cls(Letters.of(tables), Styles.of(tables, read.digest), Codes.of(tables), Marks.of(tables), read.digest)

    def _renderings(self, text: str) -> tuple[Rendering, ...]:
        """What else the text says beside what it says plainly; nothing for ordinary text.

        First the text with its spelling tricks undone, if there are any, then what its codes decode to, and the codes
        within these. None is longer than the text, and there are at most four.
        """
        return tuple(found for found in self._found(text) if found.text and found.text != text)

    def _found(self, text: str) -> Iterator[Rendering]:
        rendering = self._plain(Rendering.of(text))
        yield rendering
        for _ in range(_DEPTH):
            blobs = _within(self._codes.blobs(rendering.text), len(rendering.text))
            if not blobs:
                return
            rendering = self._plain(rendering.excerpts(blobs))
            yield rendering

    def _plain(self, rendering: Rendering) -> Rendering:
        letters, codes = self._letters, self._codes
        tricks = (codes.escapes, letters.unseen, self._styles.edits, letters.doubled, letters.spaced, letters.numbered)
        for trick in tricks:
            edits = list(trick(rendering.text))
            if edits:
                rendering = rendering.edited(edits)
        return rendering


def _within(found: Iterator[Edit], budget: int) -> list[Edit]:
    """The first of the findings that together, with a line's end each, are no longer than ``budget``."""
    kept: list[Edit] = []
    for edit in found:
        budget -= len(edit.text) + 1
        if budget < -1:
            break
        kept.append(edit)
    return kept
