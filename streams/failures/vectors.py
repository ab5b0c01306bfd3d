"""Texts to vectors as the store keeps them. Pure."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LARGEST: Final = 127


def direction(windows: NDArray[np.float32]) -> list[int] | None:
    """The mean of a text's windows ``(windows, dim)`` by direction alone, its largest entry as 127; None for no window.

    Rounding moves the cosine of two vectors of 384 entries by less than 0.01.
    """
    if not len(windows):
        return None
    mean = windows.astype(np.float64).mean(axis=0)
    largest = float(np.abs(mean).max())
    if largest == 0.0:
        return None
    return [int(entry) for entry in np.rint(mean * (_LARGEST / largest))]


def matrix(vectors: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Stored vectors as rows."""
    return np.asarray(vectors, dtype=np.float64)
