"""How the command line shows tables: the same look everywhere, plain and wide where there is no terminal."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from streams.cli.widths import fitted

_PIPE_WIDTH: Final = 200
_GAP: Final = 3  # between columns
_EDGES: Final = 2
_INDENT: Final = 2
_LINES: Final = 3  # of a cell: with more, rows are easier to read one after the other


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


def show(title: str, columns: Sequence[str], rows: Iterable[Iterable[object]], named_by: int = 1) -> None:
    """Print a table on standard output; numbers are right-aligned, and texts are broken between words alone.

    Where it is too narrow for that, a row is some lines: what names it, its first ``named_by`` cells, and below each of
    the others behind its column's name.
    """
    values = [list(row) for row in rows]
    cells = [[Text.from_markup(_told(cell), emoji=False) for cell in row] for row in values]
    console = output()
    widths = _widths(columns, cells, console.width)
    if widths is None:
        console.print(Text(title, "bold"), Text(""), *_records(columns, cells, named_by, console.width), sep="\n")
        return
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for index, (column, width) in enumerate(zip(columns, widths, strict=True)):
        numeric = bool(values) and all(isinstance(row[index], int | float) for row in values)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold", width=width)
    for row in cells:
        table.add_row(*row)
    console.print(table)


def _told(cell: object) -> str:
    return "" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell)


def _widths(columns: Sequence[str], cells: Sequence[Sequence[Text]], room: int) -> list[int] | None:
    """How wide each column is. What names a row is never broken, nor is a word, and no text has too many lines."""
    texts = [[Text(column), *(row[index] for row in cells)] for index, column in enumerate(columns)]
    natural = [max(text.cell_len for text in column) for column in texts]
    words = [max((cell_len(word) for text in column for word in text.plain.split()), default=0) for column in texts]
    least = [max(word, -(-whole // _LINES)) for word, whole in zip(words, natural, strict=True)]
    return fitted(natural, [natural[0], *least[1:]], room - _GAP * (len(columns) - 1) - _EDGES)


def _records(
    columns: Sequence[str], cells: Iterable[Sequence[Text]], named_by: int, room: int
) -> Iterator[RenderableType]:
    """Each row as its name and, indented, what else is in it: as many cells on a line as fit whole."""
    for row in cells:
        name = Text("  ").join(cell for cell in row[:named_by] if cell.plain)
        name.stylize("bold")
        yield name
        line = Text()
        for column, cell in zip(columns[named_by:], row[named_by:], strict=True):
            told = Text.assemble((f"{column} ", "dim") if column else "", cell)
            if not cell.plain:
                continue
            if line.plain and line.cell_len + _GAP + told.cell_len > room - _INDENT:
                yield Padding(line, (0, 0, 0, _INDENT))
                line = Text()
            line = Text(" " * _GAP).join([line, told]) if line.plain else told
        yield Padding(line, (0, 0, 0, _INDENT))
