"""Library logs while a broker is away."""

import logging

from streams.agents.sparing import SparingFilter


def record(name, line):
    return logging.LogRecord(name, logging.ERROR, "client.py", line, "broker %s away", ("b1",), None)


def test_a_library_says_it_once():
    """The same statement of a library passes once; another one, and our own logs, always pass."""
    sparing = SparingFilter()
    assert sparing.filter(record("aiokafka.client", 1))
    assert not sparing.filter(record("aiokafka.client", 1))
    assert sparing.filter(record("aiokafka.client", 2))
    assert sparing.filter(record("streams.agents.worker", 1))
    assert sparing.filter(record("streams.agents.worker", 1))
