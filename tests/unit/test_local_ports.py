"""Choosing a port."""

import socket
from pathlib import Path

import pytest

from streams.local.ports import choose_port

EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_the_wanted_port_if_it_is_free():
    """A free port is taken as wanted."""
    wanted = choose_port()
    assert choose_port(wanted) == wanted


def test_another_port_if_it_is_taken():
    """A port where something listens gives way to a free one."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        other = choose_port(taken.getsockname()[1])
        assert other not in (0, taken.getsockname()[1])
        with socket.socket() as free:
            free.bind(("127.0.0.1", other))


def test_no_port_twice():
    """Ports that are chosen before any of them is bound differ."""
    assert len({choose_port() for _ in range(50)}) == 50


@pytest.mark.skipif(not EPHEMERAL.exists(), reason="only Linux says which ports outgoing connections take")
def test_no_port_that_an_outgoing_connection_may_take():
    """While a process is down, a connection of another one must not get its port."""
    low, high = map(int, EPHEMERAL.read_text().split())
    assert not any(low <= choose_port() <= high for _ in range(50))
