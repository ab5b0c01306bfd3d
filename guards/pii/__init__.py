"""Personal data in text: Presidio's recognisers, offline and in linear time."""

from guards.pii.guard import PiiGuard

__all__ = ["PiiGuard"]
