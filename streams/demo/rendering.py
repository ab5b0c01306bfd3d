"""The demo's report on a terminal of 100 columns, or as plain text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, chop_cells
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from streams.demo.colours import ACTION_COLOURS
from streams.demo.story import Step
from streams.demo.streamed import Streamed
from streams.demo.summary import DemoSummary, Example, Latency

_WIDTH: Final = 96
_BAR: Final = 16
_MOST_CODES: Final = 8  # rarer ones are counted together
_LATE: Final = "DEADLINE_EXCEEDED"
_KINDS: Final = {"pii": "personal data", "unfounded": "unfounded answer", "secrets": "a secret"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look further: what is there, and the address or command."""

    what: str
    where: str


def render(
    summary: DemoSummary, console: Console, places: Sequence[Place] = (), streamed: Streamed | None = None
) -> None:
    """Print the summary. Texts of examples are shown as they were stored, masked, on one line each."""
    sections = [
        Rule(Text("Weir", style="bold"), style="blue"),
        _account(summary),
        _tables(summary),
        _heading("Examples"),
        *map(_example, summary.examples),
    ]
    if summary.story:
        sections += [_heading("One request, step by step"), *map(_step, summary.story)]
    if streamed is not None:
        sections += [_heading("One answer, read while it was made"), _stream(streamed)]
    if places:
        sections += [_heading("Where to look"), _places(places)]
    console.print(Padding(Group(*sections), (0, 1)), width=min(_WIDTH + 2, console.width), highlight=False)


def _account(summary: DemoSummary) -> RenderableType:
    lines = Table.grid(padding=(0, 2))
    came = Text.assemble(
        (f"{summary.interactions + summary.requests:,} events", "bold"),
        f": {summary.interactions:,} interactions, {summary.requests:,} requests",
        (f" ({summary.malformed:,} of them malformed)", "dim"),
    )
    kinds = ", ".join(f"{number:,} {status}" for status, number in sorted(summary.statuses.items()))
    answered = Text.assemble((f"{summary.replies:,} replies", "bold"), f": {kinds}" if kinds else "")
    judged = Text.assemble((f"{summary.verdicts:,} verdicts", "bold"), f", {summary.dead_letters:,} dead letters")
    mark, style = ("✓", "bold green") if summary.whole else ("✗", "bold red")
    audit = Text(f"{mark} {summary.missing:,} missing, {summary.duplicates:,} twice", style=style)
    lines.add_row(Text("in", style="dim"), came)
    lines.add_row(Text("out", style="dim"), answered)
    if late := summary.codes.get(_LATE, 0):
        lines.add_row("", Text(f"the model here was too slow for {late:,} of them, and they say so", style="dim"))
    lines.add_row("", judged)
    lines.add_row(Text("audit", style="dim"), audit)
    lines.add_row(
        Text("time", style="dim"), Text(f"{summary.seconds:.1f} s from the first message to the last reply and verdict")
    )
    return Padding(lines, (0, 0, 1, 0))


def _tables(summary: DemoSummary) -> RenderableType:
    most = max(summary.actions.values(), default=0) or 1
    actions = _table("action", "events")
    actions.add_column()
    for action, number in summary.actions.items():
        style = ACTION_COLOURS[action] if number else "dim"
        bar = "█" * -(-number * _BAR // most)
        actions.add_row(Text(action, style=style), Text(f"{number:,}", style=style), Text(bar, style=style))
    side_by_side = Table.grid(padding=(0, 3))
    right = Group(_latencies(summary.latencies), Text(), _counts("no text, or not judged", _commonest(summary.codes)))
    side_by_side.add_row(actions, _counts("guard", summary.guards), right if summary.codes else right.renderables[0])
    return side_by_side


def _counts(name: str, counts: Mapping[str, int]) -> RenderableType:
    table = _table(name, "events")
    for each, number in counts.items():
        table.add_row(Text(one_line(each)), Text(f"{number:,}"))
    return table


def _commonest(codes: Mapping[str, int]) -> Mapping[str, int]:
    ordered = sorted(codes.items(), key=lambda pair: -pair[1])
    rest = ordered[_MOST_CODES:]
    return dict(ordered[:_MOST_CODES]) | ({f"{len(rest)} other codes": sum(n for _, n in rest)} if rest else {})


def _latencies(latencies: Mapping[str, Latency]) -> RenderableType:
    table = _table("from arrival to", "p50", "p99")
    for stage, latency in latencies.items():
        table.add_row(Text(one_line(stage)), Text(_duration(latency.p50_ms)), Text(_duration(latency.p99_ms)))
    return table


def _table(name: str, *numbers: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column(name)
    for number in numbers:
        table.add_column(number, justify="right", no_wrap=True)
    return table


def _heading(text: str) -> RenderableType:
    return Padding(Text(text, style="bold"), (1, 0, 0, 0))


def _example(example: Example) -> RenderableType:
    colour = ACTION_COLOURS[example.action]
    head = Text.assemble(
        (f"● {example.action:<7}", f"bold {colour}"), f" {_KINDS.get(example.kind, one_line(example.kind))}"
    )
    if example.guard:
        score = "" if example.score is None else f" {example.score:.2f}"
        name = example.guard if example.label == example.guard else f"{example.guard} {example.label}"
        head.append(f"  ({one_line(name)}{score}, {one_line(example.side)})", style="dim")
    lines = [head]
    for name, text in (("asked", example.prompt), ("answered", example.response), ("passage", example.passage)):
        if text.strip():
            lines.append(Text.assemble((f"  {name:<9}", "dim"), clip(one_line(text), _WIDTH - 11)))
    return Group(*lines)


def _step(step: Step) -> RenderableType:
    lines = [
        Text.assemble(
            (f"  +{_duration(step.after_ms):>11}  ", "dim"), (f"{step.stage:<9}", "bold"), clip(one_line(step.what), 70)
        )
    ]
    if step.text.strip():
        lines.append(Text(" " * 25 + clip(one_line(step.text), _WIDTH - 25), style="italic"))
    return Group(*lines)


def _stream(streamed: Streamed) -> RenderableType:
    first = "" if streamed.first_seconds is None else f", the first after {streamed.first_seconds:.1f} s"
    ended = streamed.status if streamed.code is None else f"{streamed.status} ({streamed.code})"
    back = "; what had been read is taken back" if streamed.retracted else ""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    grid.add_row("  asked", Text(one_line(streamed.question)))
    grid.add_row("  read", Text(clip(one_line(streamed.text), 4 * _WIDTH)))
    grid.add_row("", Text(f"{streamed.pieces} {'piece' if streamed.pieces == 1 else 'pieces'}{first}", style="dim"))
    grid.add_row("  reply", Text.assemble((ended, "bold"), f" after {streamed.seconds:.1f} s{back}"))
    return grid


def _places(places: Sequence[Place]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for place in places:
        grid.add_row(Text(place.what, style="dim"), Text(place.where, overflow="fold"))
    return grid


def _duration(milliseconds: float) -> str:
    """In milliseconds up to ten seconds, where they say something."""
    return f"{milliseconds:,.0f} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:,.1f} s "


def one_line(text: str) -> str:
    """The text without line breaks, control and formatting characters: what a terminal would obey is gone."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def clip(text: str, cells: int) -> str:
    """The text in at most so many columns, with an ellipsis where something is left out."""
    if cell_len(text) <= cells:
        return text
    return chop_cells(text, cells - 1)[0].rstrip() + "…"
