"""Where the lines of supervised processes go: a terminal, prefixed and coloured, and one file a process."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from streams.local.process import ProcessSpec

Announcer = Callable[[ProcessSpec, str], None]
"""Shows one line of a process, or about it."""

_FILE_BYTES: Final = 20 * 1024 * 1024


class PrefixedConsole:
    """Shows every line behind its process's name."""

    def __init__(self, console: Console, width: int) -> None:
        self._console = console
        self._width = width

    def __call__(self, spec: ProcessSpec, line: str) -> None:
        prefix = Text(f"{spec.name:<{self._width}} │ ", style=spec.colour)
        self._console.print(prefix + Text.from_ansi(line, style="default"), soft_wrap=True)


class LineFile:
    """A file of log lines that is bounded: when it is full, it becomes ``*.1`` and a new one begins."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held = 0

    def write(self, line: str) -> None:
        """Append a line."""
        if self._held == 0:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._held = self.path.stat().st_size if self.path.exists() else 0
        data = f"{line}\n".encode("utf-8", "replace")
        if self._held + len(data) > _FILE_BYTES:
            self.path.replace(self.path.with_suffix(".log.1"))
            self._held = 0
        with self.path.open("ab") as file:
            file.write(data)
        self._held += len(data)
