"""Responses that say too little to be right or wrong: bare answers, greetings, thanks, questions back."""

import re
from typing import Any

from guards.patterns import read
from guards.words import words


class SmallTalk:
    """Knows them by lists of words and patterns (``smalltalk.toml``)."""

    def __init__(self) -> None:
        table: dict[str, Any] = dict(read("smalltalk.toml").tables)
        self._most_chars: int = table["most_chars"]
        self._most_words: int = table["most_words"]
        self._words = frozenset(table["words"])
        self._patterns = re.compile("|".join(f"(?:{pattern})" for pattern in table["patterns"]))

    def is_one(self, text: str) -> bool:
        """Whether the text is small talk as a whole; a text without a word is."""
        said = text.strip().casefold()
        if len(said) > self._most_chars:
            return False
        found = words(said)
        bare = len(found) <= self._most_words and all(word in self._words or word.isnumeric() for word in found)
        return bare or bool(self._patterns.fullmatch(said))
