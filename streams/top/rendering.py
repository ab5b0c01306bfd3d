"""The board as one screen of a terminal."""

from collections.abc import Iterable, Mapping
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.top.board import Board, Lane, Span, Speed, Stage

_NONE: Final = "·"
_BAR: Final = 24
_COLOURS: Final = {"block": "red", "hold": "magenta", "redact": "yellow", "flag": "cyan"}
_GOOD: Final = frozenset({"stop", "length", "delivered", "redacted", "allow"})


def render(board: Board, title: str) -> RenderableType:
    """All of the board."""
    heading = Text.assemble((title, "bold"), (f"   over {board.seconds:.1f} s", "dim"))
    if board.down:
        heading.append(f"   no answer from {', '.join(board.down)}", style="bold red")
    return Group(heading, _model(board), _stages(board), _rest(board))


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _model(board: Board) -> RenderableType:
    model = board.model
    bars = Text.assemble(
        *_bar(model.running, model.slots), f" {model.running}/{model.slots} in the model\n",
        *_bar(model.held, model.room), f" {model.held:,}/{model.room:,} tokens of memory",
    )  # fmt: skip
    speed = Text.assemble(
        (f"{model.made:,.0f}", "bold"), " tokens/s made, ", (f"{model.read:,.0f}", "bold"), " read   ",
        _rates(model.answers),
    )  # fmt: skip
    if model.refusals:
        speed.append_text(Text.assemble(("   had to wait for ", "dim"), _rates(model.refusals)))
    table = _table("lane", "waiting", "queue p50", "p99")
    for lane in board.lanes:
        table.add_row(*_lane(lane))
    times = _table("in the model", "p50", "p99")
    times.add_row("first token", *_span(model.first_token))
    times.add_row("token to token", *_span(model.token))
    times.add_row("whole answer", *_span(model.seconds))
    side = Table.grid(padding=(0, 4))
    side.add_row(table, times)
    several = [_models(model.models)] if len(model.models) > 1 else []
    return Group(Text(""), bars, speed, side, *several)


def _bar(used: int, whole: int) -> tuple[tuple[str, str], tuple[str, str]]:
    full = min(_BAR, round(_BAR * used / whole)) if whole else 0
    return ("█" * full, "green"), ("─" * (_BAR - full), "dim")


def _models(models: Iterable[Speed]) -> Table:
    """Each model by itself; half of its first tokens, tokens and answers take no longer than what is shown."""
    table = _table("model", "answers/s", "tokens/s", "read/s", "first token", "between", "whole")
    for each in models:
        times = (_seconds(span.p50) for span in (each.first_token, each.token, each.seconds))
        table.add_row(each.name, f"{each.answers:,.1f}", f"{each.made:,.0f}", f"{each.read:,.0f}", *times)
    return table


def _lane(lane: Lane) -> tuple[str, str, str, str]:
    return (lane.name, f"{lane.waiting:,}", *_span(lane.queue))


def _stages(board: Board) -> RenderableType:
    table = _table("stage", "events/s", "age p50", "p99", "actions/s")
    table.columns[-1].justify, table.columns[-1].no_wrap = "left", False
    for stage in board.stages:
        table.add_row(*_stage(stage))
    return table


def _stage(stage: Stage) -> tuple[str, str, str, str, Text]:
    return (stage.name, f"{stage.events:,.1f}", *_span(stage.age), _rates(stage.actions))


def _rest(board: Board) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    grid.add_row("findings/s", _rates(board.guards))
    if board.guards_open:
        grid.add_row("guards that fail", Text(", ".join(board.guards_open), style="bold red"))
    grid.add_row("replies/s", Text.assemble(_rates(board.replies), f"   {board.open:,} open, {board.held:,} held"))
    dead = Text(f"{board.dead_letters:,.2f}", style="bold red" if board.dead_letters else "")
    grid.add_row("dead letters/s", dead)
    paused = Text("  waits for the store", style="bold red") if board.store_paused else Text("")
    grid.add_row("store", Text.assemble(f"{board.stored:,.0f} rows/s, {board.store_lag:,} behind", paused))
    grid.add_row("behind", Text(", ".join(f"{group} {count:,}" for group, count in board.lag.items()) or _NONE))
    grid.add_row("alerts/s", _rates(board.alerts))
    return grid


def _rates(rates: Mapping[str, float]) -> Text:
    """Names with their rates, the unusual in colour."""
    return Text("  ").join(_named(rates.items())) if rates else Text(_NONE, style="dim")


def _named(rates: Iterable[tuple[str, float]]) -> Iterable[Text]:
    for name, rate in rates:
        style = _COLOURS.get(name, "" if name in _GOOD or name.islower() else "red")
        yield Text.assemble((name, style), f" {rate:,.1f}")


def _span(span: Span) -> tuple[str, str]:
    return _seconds(span.p50), _seconds(span.p99)


def _seconds(value: float | None) -> str:
    if value is None:
        return _NONE
    return f"{value * 1000:,.0f} ms" if value < 1 else f"{value:,.1f} s"
