"""The demo while it runs: what was produced, what ended, what was answered, and how."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Final, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from schemas.actions import Action
from schemas.errors import UnavailableError
from streams.demo.colours import ACTION_COLOURS
from streams.demo.delivered import Delivered
from streams.demo.tally import Rows, Tally, read_tally

_LOOK_SECONDS: Final = 0.5
_PLAIN_SECONDS: Final = 5.0
_BAR_WIDTH: Final = 46


class Source(Protocol):
    """Traffic under way: how much there is to come, what was delivered last, whether more will be."""

    @property
    def expected(self) -> int: ...
    @property
    def latest(self) -> Delivered: ...
    @property
    def running(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Glimpse:
    """One look at the traffic. ``unread``: the store did not answer, the tally is the last one known."""

    expected: int
    delivered: Delivered
    tally: Tally
    seconds: float
    unread: bool = False


class LiveView:
    """Follows traffic until all of it ended: redrawn in place on a terminal, a plain line now and then elsewhere."""

    def __init__(
        self,
        console: Console,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._console = console
        self._clock = clock
        self._sleep = sleep
        self._printed: Glimpse | None = None

    def follow(self, source: Source, rows: Rows, deadline_s: float) -> Tally:
        """Block until everything delivered has ended, or for ``deadline_s`` seconds; the tally at the end.

        A store that does not answer is asked again until the deadline.
        """
        start = self._clock()
        glimpse = Glimpse(source.expected, Delivered(), Tally(), 0.0)
        live = Live(console=self._console, refresh_per_second=8) if self._console.is_terminal else None
        with live or nullcontext():
            while True:
                running = source.running  # asked first: what is delivered later is counted next time
                glimpse = self._look(source.latest, rows, replace(glimpse, seconds=self._clock() - start))
                over = glimpse.seconds >= deadline_s
                ended = not running and not glimpse.unread and glimpse.tally.inputs >= glimpse.delivered.total
                self._show(glimpse, live, last=ended or over)
                if ended or over:
                    return glimpse.tally
                self._sleep(_LOOK_SECONDS)

    def _look(self, delivered: Delivered, rows: Rows, before: Glimpse) -> Glimpse:
        try:
            tally = read_tally(rows, delivered.offsets)
        except UnavailableError:
            return replace(before, delivered=delivered, unread=True)
        return replace(before, delivered=delivered, tally=tally, unread=False)

    def _show(self, glimpse: Glimpse, live: Live | None, *, last: bool) -> None:
        if live is not None:
            live.update(_picture(glimpse), refresh=last)
        elif last or self._printed is None or glimpse.seconds - self._printed.seconds >= _PLAIN_SECONDS:
            self._printed = glimpse
            self._console.print(_line(glimpse), highlight=False, soft_wrap=True)


def _picture(glimpse: Glimpse) -> Group:
    bars = Table.grid(padding=(0, 1))
    replies = glimpse.delivered.replies
    rows = (
        ("produced", glimpse.delivered.total, glimpse.expected, "blue"),
        ("done", glimpse.tally.inputs, glimpse.expected, "green"),
        ("answered", replies.final, max(replies.awaited, glimpse.delivered.requests), "cyan"),
    )
    for name, number, whole, colour in rows:
        bar = ProgressBar(max(1, whole), number, width=_BAR_WIDTH, complete_style=colour)
        bars.add_row(Text(f"{name:>9}"), bar, Text(f"{number:>5,} of {whole:,}"))
    return Group(bars, _counts(glimpse))


def _counts(glimpse: Glimpse) -> Text:
    text = Text(" " * 10, no_wrap=True, overflow="ellipsis")
    for action in Action:
        text.append(f"{action} ", style=ACTION_COLOURS[action])
        text.append(f"{glimpse.tally.actions.get(action, 0):<4,} ")
    text.append("dead letters ", style="dim").append(f"{glimpse.tally.dead_letters:<4,} ")
    text.append(f"{glimpse.seconds:.0f} s", style="dim")
    if glimpse.unread:
        text.append("  no answer yet", style="yellow")
    return text


def _line(glimpse: Glimpse) -> str:
    actions = ", ".join(f"{action} {number}" for action, number in glimpse.tally.actions.items()) or "nothing yet"
    waiting = "; waiting for the store" if glimpse.unread else ""
    replies = glimpse.delivered.replies
    answered = f", answered {replies.final} of {replies.awaited}" if replies.awaited else ""
    return (
        f"{glimpse.seconds:5.1f} s  produced {glimpse.delivered.total} of {glimpse.expected}, done "
        f"{glimpse.tally.inputs}{answered} ({actions}), dead letters {glimpse.tally.dead_letters}{waiting}"
    )
