"""Ports of the loopback interface."""

import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"


def choose_port(wanted: int = 0) -> int:
    """``wanted`` if nothing listens there, otherwise any free port; 0 always takes a free one.

    The port is free when this returns and is not reserved: bind it soon.
    """
    for port in dict.fromkeys((wanted, 0)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            # A port in TIME_WAIT is free: servers of ours set the same option.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((LOOPBACK, port))
            except OSError:
                continue
            chosen: int = listener.getsockname()[1]
            return chosen
    raise OSError("no free port on the loopback interface")
