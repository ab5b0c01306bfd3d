"""Fixtures that every test may ask for."""

pytest_plugins = [
    "tests.fixtures.broker",
    "tests.fixtures.class_archive",
    "tests.fixtures.detoxify",
    "tests.fixtures.engine",
    "tests.fixtures.grafana_server",
    "tests.fixtures.models",
    "tests.fixtures.properties",
    "tests.fixtures.review_command",
    "tests.fixtures.scheduling",
    "tests.fixtures.schema",
    "tests.fixtures.stack",
]
