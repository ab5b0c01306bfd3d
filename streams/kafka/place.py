from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One partition of a topic."""

    topic: str
    partition: int
