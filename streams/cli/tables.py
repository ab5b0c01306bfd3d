"""How the command line shows tables: the same look everywhere, plain where there is no terminal."""

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table

_PIPE_WIDTH = 200


def show(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table on standard output; numbers are right-aligned."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    cells = [list(row) for row in rows]
    for index, column in enumerate(columns):
        numeric = bool(cells) and all(isinstance(row[index], int | float) for row in cells)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        table.add_row(*("" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    console = Console()
    # Where there is no terminal there is no width to keep to: a line is a row.
    console.print(table, width=None if console.is_terminal else _PIPE_WIDTH, soft_wrap=not console.is_terminal)
