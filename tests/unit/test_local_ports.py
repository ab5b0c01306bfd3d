"""Choosing a port."""

import socket

from streams.local.ports import choose_port


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
