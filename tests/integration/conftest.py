"""Fixtures of the tests against the real broker and the real engine."""

from tests.fixtures.store_side import database_settings, settings, store, switch

__all__ = ["database_settings", "settings", "store", "switch"]
