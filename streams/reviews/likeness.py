"""Which texts say nearly the same: duplicates and near-duplicates, so that they are read in one go. Pure."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

_GRAM: Final = 5  # characters: words of any script, without cutting it into words
_MOST: Final = 20_000  # characters that are looked at
_ROWS: Final = 4
_BANDS: Final = 16
_HASHES: Final = _ROWS * _BANDS
_PRIME: Final = (1 << 31) - 1
_ALIKE: Final = 0.8

_random = np.random.default_rng(20_260_101)
_A: Final = _random.integers(1, _PRIME, _HASHES, dtype=np.int64)
_B: Final = _random.integers(0, _PRIME, _HASHES, dtype=np.int64)


def groups(texts: Sequence[str]) -> tuple[int, ...]:
    """For every text the index of the first one that it is like: its own where there is none before.

    Alike are texts that share about four fifths of their runs of five characters, whatever their case and spaces
    (MinHash: Broder 1997, 64 hashes; candidates by 16 bands of 4, of which texts as like as that share one with a
    probability of 0.9998). A text that is like two others joins them.
    """
    signatures = [_signature(text) for text in texts]
    parents = list(range(len(texts)))
    seen: dict[tuple[int, bytes], int] = {}
    for index, signature in enumerate(signatures):
        for band in range(_BANDS):
            key = (band, signature[band * _ROWS : (band + 1) * _ROWS].tobytes())
            other = seen.setdefault(key, index)
            if other != index and float(np.mean(signatures[other] == signature)) >= _ALIKE:
                _join(parents, other, index)
    return tuple(_root(parents, index) for index in range(len(texts)))


def _signature(text: str) -> NDArray[np.int64]:
    plain = " ".join(text.casefold().split())[:_MOST]
    grams = {plain[start : start + _GRAM] for start in range(max(1, len(plain) - _GRAM + 1))}
    numbers = np.fromiter((_number(gram) for gram in grams), np.int64, len(grams))
    # Numbers below 2³¹ times factors below 2³¹ stay below 2⁶³.
    return np.asarray(((numbers[:, None] * _A + _B) % _PRIME).min(axis=0))


def _number(gram: str) -> int:
    digest = blake2b(gram.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest) % _PRIME


def _root(parents: list[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index


def _join(parents: list[int], one: int, other: int) -> None:
    first, second = sorted((_root(parents, one), _root(parents, other)))
    parents[second] = first
