"""The machine that a stack runs on, as far as faults go: its clock, and the disk of its store."""

import os
import shutil
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.chaos.plan import KINDS, Kind

_DISK_MIB: Final = 256
_PIECE: Final = bytes(1 << 16)


class Machine:
    """A home whose clock can be set and whose store has a small disk of its own, where the system allows it.

    A file system in memory is mounted for the store, which only root may do; a library that shifts the clock is
    compiled, which needs a C compiler. ``kinds`` are the faults that are possible.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._disk = home / "clickhouse"
        self._shift = home / "clock"
        self._library: Path | None = None
        self._mounted = False
        self._filling = threading.Lock()
        self._setting = threading.Lock()
        self._jumps: list[float] = []

    def __enter__(self) -> Self:
        self._disk.mkdir(parents=True, exist_ok=True)
        self._shift.write_bytes(struct.pack("q", 0))
        mount = ("mount", "-t", "tmpfs", "-o", f"size={_DISK_MIB}m", "chaos", str(self._disk))
        self._mounted = _succeeds(*mount)
        library = self.home / "clock.so"
        source = Path(__file__).with_name("clock.c")
        if _succeeds("cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"):
            self._library = library
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._mounted:
            subprocess.run(["umount", "--lazy", str(self._disk)], check=True)

    @property
    def kinds(self) -> frozenset[Kind]:
        """The faults that can be carried out here."""
        impossible: set[Kind] = set()
        if not self._mounted:
            impossible.add("full")
        if self._library is None:
            impossible.add("clock")
        return KINDS - impossible

    @property
    def environment(self) -> Mapping[str, str]:
        """What processes need so that their clock can be set."""
        return {} if self._library is None else {"LD_PRELOAD": str(self._library), "CHAOS_CLOCK": str(self._shift)}

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """No byte is left on the store's disk, meanwhile. One at a time."""
        ballast = self._disk / "ballast"
        with self._filling:
            try:
                with ballast.open("ab", buffering=0) as file, suppress(OSError):
                    while True:
                        file.write(_PIECE)
                yield
            finally:
                ballast.unlink(missing_ok=True)

    @contextmanager
    def other_time(self, hours: float) -> Iterator[None]:
        """Every process reads a clock that is so far off, meanwhile. The last one set counts."""
        self._set(lambda jumps: jumps.append(hours))
        try:
            yield
        finally:
            self._set(lambda jumps: jumps.remove(hours))

    def _set(self, change: Callable[[list[float]], None]) -> None:
        with self._setting:
            change(self._jumps)
            seconds = int(self._jumps[-1] * 3600) if self._jumps else 0
            file = os.open(self._shift, os.O_WRONLY)  # in place: it is mapped
            try:
                os.pwrite(file, struct.pack("q", seconds), 0)
            finally:
                os.close(file)


def _succeeds(*command: str) -> bool:
    return bool(shutil.which(command[0])) and not subprocess.run(command, capture_output=True, check=False).returncode
