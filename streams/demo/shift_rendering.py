"""The second act's report on a terminal, or as plain text."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from streams.demo.shift import WITHIN_EVENTS, Page, Shift


def render_shift(shift: Shift) -> Padding:
    """What shifted, which alarms it set off, and how labels narrow down what is known of it."""
    return Padding(Group(*_parts(shift)), (1, 1, 0, 1), expand=False)


def _parts(shift: Shift) -> Iterator[RenderableType]:
    yield Text("A new model turns toxic, and German answers miss the point", style="bold")
    yield Text(
        f"{shift.events:,} verdicts in 72 logical hours after two recorded weeks, {shift.seconds:.0f} s", style="dim"
    )
    grid = Table.grid(padding=(0, 2))
    for page in shift.pages:
        grid.add_row(_mark(good=_is_good(page)), page.app, page.alertname, page.segment, _course(page))
    yield grid
    known = "   ".join(
        f"{each.labels} labels: {each.limits.low:.0%} to {each.limits.high:.0%}" for each in shift.labelled
    )
    yield Text(f"toxic answers of the new model, by {known}")
    mark = _mark(good=shift.passed)
    said = "the right alarms, and no other" if shift.passed else "not as it should have been"
    yield Text.assemble(mark, f" {said}")


def _is_good(page: Page) -> bool:
    return page.resolved and page.events <= WITHIN_EVENTS


def _course(page: Page) -> str:
    end = f"over once mended, {', '.join(page.told)} told" if page.resolved else "not over"
    return f"after {page.events} events; {end}"


def _mark(*, good: bool) -> Text:
    return Text("✓", style="bold green") if good else Text("✗", style="bold red")
