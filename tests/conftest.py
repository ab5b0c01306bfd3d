"""Fixtures that every test may ask for."""

pytest_plugins = ["tests.fixtures.broker", "tests.fixtures.models"]
