"""Runs a command that cannot outlive another process: ``python leash.py PID COMMAND…``.

A file of its own, started by path and without site packages, so that it costs a few milliseconds and nothing has
to run between fork and exec in a process with threads. Two ways:

* PID is the parent and the kernel is Linux: ask for SIGKILL at the parent's death and become the command.
* Otherwise stay between, watch PID, and end the command when PID is gone: SIGTERM first, SIGKILL later.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_POLL_S = 0.2
_GRACE_S = 10.0


def leashed(owner: int, command: Sequence[str]) -> list[str]:
    """``command`` so that it ends when the process ``owner`` does, even by SIGKILL.

    If ``owner`` is the process that starts it, it must do so from a thread that lives as long as the command: the
    kernel counts the death of the starting thread.
    """
    return [sys.executable, "-I", "-S", str(Path(__file__)), str(owner), *command]


def tie(owner: int, command: Sequence[str]) -> int:
    """Run ``command`` tied to ``owner``; returns its exit status unless this process becomes the command."""
    if sys.platform == "linux" and os.getppid() == owner:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != owner:  # it died before the request
            return 1
        os.execvp(command[0], list(command))  # noqa: S606 - a list of our own, without a shell
    return _watch(owner, command)


def _watch(owner: int, command: Sequence[str]) -> int:
    # On Linux the command is tied to this process in turn, so that killing the watcher kills it too.
    inner = leashed(os.getpid(), command) if sys.platform == "linux" else list(command)
    stopping_since: float | None = None

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping_since
        stopping_since = stopping_since or time.monotonic()
        child.send_signal(signal.SIGTERM)

    child = subprocess.Popen(inner)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while (status := child.poll()) is None:
        if stopping_since is None and not _alive(owner):
            stop(signal.SIGTERM, None)
        if stopping_since is not None and time.monotonic() - stopping_since > _GRACE_S:
            child.kill()
        time.sleep(_POLL_S)
    return status


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    sys.exit(tie(int(sys.argv[1]), sys.argv[2:]))
