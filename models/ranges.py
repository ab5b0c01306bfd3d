"""Activation ranges by linear layer: what static quantisation needs to know about ordinary text.

They were measured once (``python -m models.training ranges``) and are shipped, so that fetching a model needs no
calibration text and gives the same bytes everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file


@dataclass(frozen=True, slots=True)
class ActivationRanges:
    """The least and the greatest input of a linear layer, by channel."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]


Ranges: TypeAlias = Mapping[str, ActivationRanges]


def load_ranges(path: Path) -> Ranges:
    """Ranges by the name of the (first) linear layer that reads the activations."""
    stored = load_file(path)
    names = {key.rpartition("/")[0] for key in stored}
    return {
        name: ActivationRanges(stored[f"{name}/low"].astype(np.float32), stored[f"{name}/high"].astype(np.float32))
        for name in sorted(names)
    }


def save_ranges(ranges: Ranges, path: Path) -> None:
    """Write ranges as fp16, rounded outwards enough that none shrinks."""
    stored: dict[str, NDArray[np.float16]] = {}
    for name, found in ranges.items():
        stored[f"{name}/low"] = np.nextafter(found.low.astype(np.float16), np.float16(-np.inf))
        stored[f"{name}/high"] = np.nextafter(found.high.astype(np.float16), np.float16(np.inf))
    save_file(stored, path)
