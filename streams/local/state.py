"""What the supervisor leaves in its home for other commands to find: addresses, processes, and that it runs."""

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from schemas.errors import ConfigError, UnavailableError

_STATE: Final = "state.json"
_LOCK: Final = "supervisor.lock"


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One supervised process; ``pid`` is 0 while it is down."""

    name: str
    pid: int
    restarts: int
    metrics_url: str | None


@dataclass(frozen=True, slots=True)
class StackState:
    """A running stack, and the supervisor's own pid.

    ``started`` is the supervisor's start time in the kernel's clock ticks, which tells it from a later process with
    the same pid. ``ready`` is false until every process has been ready once.
    """

    pid: int
    started: int
    ready: bool
    bootstrap: str
    namespace: str
    clickhouse_url: str
    database: str
    processes: tuple[ProcessState, ...]
    gateway_url: str = ""

    @property
    def metrics_urls(self) -> dict[str, str]:
        """The metrics page of every process that has one, by name."""
        return {process.name: process.metrics_url for process in self.processes if process.metrics_url}


def start_time(pid: int) -> int:
    """When the process started, in clock ticks since boot; 0 if there is no such process or no /proc to tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[19])


def write_state(home: Path, state: StackState) -> None:
    """Put the state in place, whole."""
    draft = home / f"{_STATE}.new"
    draft.write_text(json.dumps(asdict(state), indent=2) + "\n", encoding="utf-8")
    draft.replace(home / _STATE)


def read_state(home: Path) -> StackState | None:
    """The state of the stack that runs in this home; None if none does."""
    try:
        values = json.loads((home / _STATE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    state = StackState(**{**values, "processes": tuple(ProcessState(**each) for each in values["processes"])})
    return state if _runs(state) else None


def remove_state(home: Path) -> None:
    """Forget the stack. Harmless if there is none."""
    (home / _STATE).unlink(missing_ok=True)


def stop_stack(home: Path, deadline_s: float) -> bool:
    """End the stack of this home and wait for it; whether there was one.

    Raises:
        UnavailableError: it did not end in time.
    """
    state = read_state(home)
    if state is None:
        return False
    os.kill(state.pid, signal.SIGTERM)
    end = time.monotonic() + deadline_s
    while _runs(state):
        if time.monotonic() > end:
            raise UnavailableError(f"the supervisor (pid {state.pid}) did not end in {deadline_s:.0f} s")
        time.sleep(0.1)
    return True


@contextmanager
def sole_supervisor(home: Path) -> Iterator[None]:
    """Hold the home for one supervisor.

    Raises:
        ConfigError: another one holds it, by pid.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / _LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            message = f"a stack already runs here (pid {owner}); `weir down` ends it, WEIR_HOME chooses another home"
            raise ConfigError(message, field="WEIR_HOME") from None
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _runs(state: StackState) -> bool:
    try:
        os.kill(state.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    # A zombie has ended; its parent has only not asked yet.
    return start_time(state.pid) == state.started and not _is_zombie(state.pid)


def _is_zombie(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] == "Z"
