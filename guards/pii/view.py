"""One text as the recognisers and their context see it."""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

from guards.folding import fold

_RUN = re.compile(r"[0-9](?:[ ./()_:-]{0,2}[0-9])*", re.ASCII)


class TextView:
    """A text folded once (``guards.folding``) and measured once; offsets are those of the original."""

    def __init__(self, text: str, folding: Mapping[int, str]) -> None:
        self.text = fold(text, folding)

    @cached_property
    def lowered(self) -> str:
        """In lower case and of the same length: the one letter that grows, U+0130, is folded."""
        return self.text.lower()

    @cached_property
    def longest_run(self) -> int:
        """The most digits in a row, with at most two separators between neighbours."""
        return max((sum(map(str.isdigit, run)) for run in _RUN.findall(self.text)), default=0)

    def mentions(self, words: Iterable[str]) -> bool:
        """Whether any of the lower-case words occurs anywhere, even inside another word."""
        return any(word in self.lowered for word in words)

    def has_word(self, words: Iterable[str], start: int, end: int) -> bool:
        """Whether any of the lower-case words begins a word between the code points.

        Where the script does not part words by spaces (or the word's first letter is not ASCII), anywhere will do.
        """
        window = self.lowered[max(0, start) : end]
        return any(_begins_word(word, window) for word in words if word in window)


def _begins_word(word: str, window: str) -> bool:
    if not word[0].isascii():
        return True
    at = window.find(word)
    while at != -1:
        if at == 0 or not window[at - 1].isalnum() or not window[at - 1].isascii():
            return True
        at = window.find(word, at + 1)
    return False
