"""What a text is about, and how far it lies from everything that the map of topics knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from guards.guard import Encoder, Floats, TextFeatures
from guards.patterns import read

OTHER: Final = "other"
"""The topic of a text that is near none."""
LANGUAGES: Final = frozenset({"en"})
"""The languages that the encoder knows: in others a distance says how strange the words are, not the matter."""
_DIGITS: Final = 6


def topic_names() -> frozenset[str]:
    """Every topic on the map. Reads it; raises ConfigError for a broken file."""
    return frozenset(read("topics.toml").tables["examples"])


@dataclass(frozen=True, slots=True)
class Place:
    """A text on the map: its topic, and how far it is from the nearest one: one less the cosine, 0 to 1."""

    topic: str
    distance: float


class Topics:
    """Places texts on a map that is the same for every app and every day. Thread-safe after ``load``.

    Since nothing of it is learnt from traffic, a distance today means what it meant in the reference of an alarm.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.version = ""

    def load(self) -> None:
        """Read and encode the examples: a fraction of a second. Raises ConfigError for a broken file."""
        file = read("topics.toml")
        examples: Mapping[str, list[str]] = file.tables["examples"]
        self._least: float = file.tables["least"]
        self._names = tuple(examples)
        encoded = iter(self._encoder.encode([text for own in examples.values() for text in own]))
        self._centres = np.stack(
            [_unit(np.stack([_unit(next(encoded).mean) for _ in own])) for own in examples.values()]
        )
        self.version = f"topics@{file.digest}+{self._encoder.version}"

    def place(self, features: TextFeatures) -> Place | None:
        """Where a text is, by the mean of its windows; None for a blank one."""
        if not len(features.spans):
            return None
        near = self._centres @ _unit(features.mean)
        best = int(near.argmax())
        similarity = float(near[best])
        distance = round(min(1.0, max(0.0, 1.0 - similarity)), _DIGITS)
        return Place(self._names[best] if similarity >= self._least else OTHER, distance)


def _unit(vectors: Floats) -> Floats:
    """The direction of the vectors' mean."""
    mean = vectors.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12))
