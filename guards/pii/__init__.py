"""Personal data in text: Presidio's recognisers, offline and in linear time."""

from guards.pii.guard import PiiGuard
from guards.pii.tagging import Tagger
from guards.pii.wanted import Wanted

__all__ = ["PiiGuard", "Tagger", "Wanted"]
