"""Character n-grams of a text, hashed: what it looks like, beside what the encoder says that it means.

Words are read in lower case with one space on either side, so that ``" ign"`` is the beginning of a word. Every run of
3 to 5 code points falls into one of ``BUCKETS`` buckets; a bucket counts once. Linear in the length.
"""

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

BUCKETS: Final = 1 << 17
SIZES: Final = (3, 4, 5)

_BITS = 17
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # Knuth's, for 64 bits: the high bits of the product are the hash
_SPACES = re.compile(r"\s+")


def ngram_buckets(text: str) -> NDArray[np.int32]:
    """The buckets of the text's n-grams, ascending, each once; empty for a text shorter than three code points."""
    spaced = f" {_SPACES.sub(' ', text.lower()).strip()} "
    codes = np.frombuffer(spaced.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    hashes = []
    for size in SIZES:
        if len(codes) < size:
            break
        runs = np.full(len(codes) - size + 1, size, np.uint64)
        for at in range(size):
            runs = (runs ^ codes[at : len(codes) - size + 1 + at]) * _MULTIPLIER
        hashes.append(runs >> np.uint64(64 - _BITS))
    return np.unique(np.concatenate(hashes)).astype(np.int32) if hashes else np.zeros(0, np.int32)
