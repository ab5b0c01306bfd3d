"""How the command line shows tables: the same look everywhere, plain and wide where there is no terminal."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

_PIPE_WIDTH: Final = 200


def output() -> Console:
    """Standard output. Where there is no terminal there is no width to keep to: a row is a line."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=max(console.width, _PIPE_WIDTH))


@contextmanager
def doing(console: Console, what: str) -> Iterator[None]:
    """Say what takes a while: for as long as it does on a terminal, once elsewhere, so that a log tells it, too."""
    if console.is_terminal:
        with console.status(what):
            yield
        return
    console.print(what)
    yield


def show(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table on standard output; numbers are right-aligned, what names a row is never broken."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    cells = [list(row) for row in rows]
    for index, column in enumerate(columns):
        numeric = bool(cells) and all(isinstance(row[index], int | float) for row in cells)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold", no_wrap=index == 0)
    for row in cells:
        table.add_row(*("" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    output().print(table)
