"""The words of a text as stems, and how much each of them tells: rare words tell more than common ones."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
_SUFFIXES: Final = ("'s", "\u2019s", "ing", "edly", "ed", "ies", "es", "s", "ly", "e", "y")
_LEAST_STEM: Final = 3
_REMEMBERED: Final = 32_768  # words are few and come again and again: some 4 MB
_LONGEST: Final = 40
"""Code points of a word that count: longer runs of letters are no words."""


def words(text: str) -> list[str]:
    """The words in order, in lower case; signs and spaces are none."""
    return _WORD.findall(text.casefold())


def stem(word: str) -> str:
    """A word without its ending, so that "builds", "building" and "build" are one. Crude on purpose: no tables."""
    return _stem(word[:_LONGEST])


@lru_cache(maxsize=_REMEMBERED)
def _stem(word: str) -> str:
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _LEAST_STEM:
            short = word.removesuffix(suffix)
            doubled = suffix in {"ing", "ed"} and len(short) > _LEAST_STEM and short[-1] == short[-2]  # "running"
            return short[:-1] if doubled else short
    return word


def stems(text: str) -> list[str]:
    """The stems of the words, in order."""
    return [stem(word) for word in words(text)]


@cache
def rarities() -> Mapping[str, float]:
    """How much a stem tells, 0 to 1: its inverse document frequency in English text, the rarest known being 1.

    Read once from the package, about 60 KB.
    """
    lines = (files("guards") / "patterns" / "rarities.tsv").read_text(encoding="utf-8").splitlines()
    return {stem: float(value) for stem, value in (line.split("\t") for line in lines)}


def weight(stem: str) -> float:
    """How much a stem tells; one that is not in the table is as rare as can be."""
    return rarities().get(stem, 1.0)
