"""What the encoder makes of windows of tokens: the vectors that heads and similarities read."""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]

WIDTH: Final = 384
INNER_LAYERS: Final = (2, 3, 4)  # of 0 to 5
WIDTHS: Final = {"mean": WIDTH, "peak": WIDTH, "inner": WIDTH * len(INNER_LAYERS)}


@dataclass(frozen=True, slots=True)
class Pooled:
    """One row a window.

    ``mean`` (rows, 384) is the L2-normalised mean of the last layer over the tokens, ``peak`` (rows, 384) its maximum,
    and ``inner`` (rows, 1152) the normalised means of the three layers below, side by side: they tell more of the words
    that were used, the last layer more of the subject.
    """

    mean: Floats
    peak: Floats
    inner: Floats
