"""``weir top``."""

import json
import sys
import time
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.tables import output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from streams.top.board import Board


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
    from streams.stack.attachment import attached_settings

    settings = attached_settings()
    boards = _boards(_pages(url), _lag_of(settings) if url is None else dict, interval)
    if once:
        boards = islice(boards, 1)
    title = f"weir top  {settings.namespace}"
    with suppress(KeyboardInterrupt):
        if as_json:
            _write(boards)
        elif once or not output().is_terminal:
            _print(boards, title)
        else:
            _watch(boards, title)


def _boards(pages: "Mapping[str, str]", lag: "Callable[[], Mapping[str, int]]", seconds: float) -> "Iterator[Board]":
    """Look after look, each compared with the one so many seconds before."""
    from streams.top.board import board_of
    from streams.top.sample import Change, take_sample

    before = take_sample(pages, time.monotonic)
    while True:
        time.sleep(seconds)
        after = take_sample(pages, time.monotonic)
        yield board_of(Change(before, after), lag())
        before = after


def _write(boards: "Iterable[Board]") -> None:
    from dataclasses import asdict

    for board in boards:
        sys.stdout.write(json.dumps(asdict(board)) + "\n")
        sys.stdout.flush()


def _print(boards: "Iterable[Board]", title: str) -> None:
    from streams.top.rendering import render

    console = output()
    for board in boards:
        console.print(render(board, title))


def _watch(boards: "Iterable[Board]", title: str) -> None:
    """Each board in the place of the one before."""
    from rich.live import Live

    from streams.top.rendering import render

    with Live(console=output(), screen=True, auto_refresh=False) as live:
        for board in boards:
            live.update(render(board, title), refresh=True)


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
