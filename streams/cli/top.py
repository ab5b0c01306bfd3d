"""``weir top``."""

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.tables import output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streams.top.board import Board
    from streams.top.sample import Sample


def top(
    url: Annotated[
        list[str] | None,
        typer.Option(help="A metrics page, as NAME=URL or URL; may be given again."),
    ] = None,
    interval: Annotated[float, typer.Option(min=0.2, max=60, help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Print one look and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a look.")] = False,
) -> None:
    """Watch a running system: lanes, the model, stages, replies, the store, alerts, and who is behind. Ctrl-C ends it.

    Rates are those between two looks, and so are the percentiles.
    """
    from dataclasses import asdict

    from streams.stack.attachment import attached_settings
    from streams.top.rendering import render

    settings = attached_settings()
    pages = _pages(url)
    looks = _Looks(pages, _lag_of(settings) if url is None else dict)
    console = output()
    title = f"weir top  {settings.namespace}"
    try:
        if as_json or once or not console.is_terminal:
            while True:
                board = looks.next(interval)
                if as_json:
                    sys.stdout.write(json.dumps(asdict(board)) + "\n")
                    sys.stdout.flush()
                else:
                    console.print(render(board, title))
                if once:
                    return
        from rich.live import Live

        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                live.update(render(looks.next(interval), title), refresh=True)
    except KeyboardInterrupt:
        return


class _Looks:
    """Look after look, each compared with the one before."""

    def __init__(self, pages: "Mapping[str, str]", lag: "Callable[[], Mapping[str, int]]") -> None:
        self._pages = pages
        self._lag = lag
        self._last: Sample | None = None

    def next(self, seconds: float) -> "Board":
        """The board, so many seconds after the last one."""
        from streams.top.board import board_of
        from streams.top.sample import Change, take_sample

        before = self._last or take_sample(self._pages, time.monotonic)
        time.sleep(seconds)
        self._last = take_sample(self._pages, time.monotonic)
        return board_of(Change(before, self._last), self._lag())


def _pages(urls: list[str] | None) -> "Mapping[str, str]":
    from schemas.errors import ConfigError
    from streams.local.state import read_state
    from streams.settings import load_settings

    if urls:
        named = (each.partition("=") if "://" not in each.partition("=")[0] else (each, "", each) for each in urls)
        return {name: address for name, _, address in named}
    state = read_state(load_settings().home)
    if state is None:
        raise ConfigError("nothing runs here: `weir up` starts the local stack, --url names pages elsewhere")
    return state.metrics_urls


def _lag_of(settings: object) -> "Callable[[], Mapping[str, int]]":
    """How many messages each consumer group has still to read; nothing while no broker answers."""
    from schemas.errors import UnavailableError
    from streams.kafka.topic_admin import lag
    from streams.settings import Settings

    assert isinstance(settings, Settings)

    def behind() -> "Mapping[str, int]":
        found: dict[str, int] = {}
        try:
            for each in lag(settings):
                found[each.group] = found.get(each.group, 0) + each.behind
        except UnavailableError:
            return {}
        return found

    return behind
