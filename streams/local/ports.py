"""Ports of the loopback interface."""

import random
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"

_LOWEST: Final = 15_000  # what people and packages choose lies mostly below
_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL_EPHEMERAL: Final = 32_768


def choose_port(wanted: int = 0) -> int:
    """``wanted`` if nothing listens there, otherwise any free port; 0 always takes a free one.

    The port is free when this returns and is not reserved, but no outgoing connection takes it either: a process that
    is started again finds its port as it left it. A process is never given the same free port twice.
    """
    if wanted and _is_free(wanted, reuse=True):  # a port in TIME_WAIT is free: servers of ours set the same option
        return wanted
    for port in _free_ports():
        if _is_free(port, reuse=False):
            return port
    raise OSError("no free port on the loopback interface")


@cache
def _free_ports() -> Iterator[int]:
    """Every port below those that the kernel gives to outgoing connections, once, from a random one on."""
    span = range(_LOWEST, max(_first_ephemeral(), _LOWEST + 1_000))
    start = random.randrange(len(span))  # noqa: S311 - only so that processes do not all try the same ones
    return iter((*span[start:], *span[:start]))


def _first_ephemeral() -> int:
    try:
        return int(_EPHEMERAL.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return _USUAL_EPHEMERAL


def _is_free(port: int, *, reuse: bool) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
