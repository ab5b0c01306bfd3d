"""Where a command reads its lines from."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import typer


@contextmanager
def open_input(file: Path | None) -> Iterator[BinaryIO]:
    """The file as bytes; standard input for None or ``-``. A file that cannot be opened is a usage error."""
    if file is None or str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = file.open("rb")
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from None
    with stream:
        yield stream
