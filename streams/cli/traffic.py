"""``weir send`` and ``weir tail``."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from schemas.errors import ConfigError
from schemas.topics import SOURCES, TOPICS, Namespace, Topic
from streams.cli.input import open_input


def send(
    file: Annotated[Path, typer.Argument(help="JSON lines, one event a line; '-' for standard input.")],
    topic: Annotated[
        str | None,
        typer.Option(
            help="By default by the body: with messages requests, with a thumb or the like feedback, else interactions"
        ),
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Events a second at most.")] = None,
) -> None:
    """Send events to a topic and wait until the broker has them all.

    A line is a record's body, or a whole CloudEvent in structured mode. Exit status: 1 if any line was unreadable.

    `echo '{"app": "default", "messages": [{"role": "user", "content": "Hi"}]}' | weir send -`
    """
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from streams.kafka.sending import Sender
    from streams.stack.attachment import attached_settings

    settings = attached_settings()
    chosen = _find(topic, settings.topics) if topic else None
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("sending"), MofNCompleteColumn(), TimeElapsedColumn())
    with open_input(file) as lines, Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("sending", total=None)
        sent = Sender(settings, lambda: progress.advance(bar)).send(lines, chosen, rate)
    console.print(f"{sent.sent} sent and delivered in {sent.seconds:.1f} s", highlight=False)
    for number in sent.unreadable:
        console.print(f"[red]line {number}: no JSON object, not sent[/]", highlight=False)
    raise typer.Exit(1 if sent.unreadable else 0)


def tail(
    topic: Annotated[str, typer.Argument(help="With or without the namespace.")],
    last: Annotated[
        int, typer.Option("--last", "-n", min=0, help="Start this many messages before the end of each partition.")
    ] = 10,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", "-f", help="Wait for more.")] = True,
    raw: Annotated[bool, typer.Option("--raw", help="Show user text as it is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show what goes through a topic; personal data and secrets are masked unless --raw is given.

    Requests, interactions, verdicts and replies are a line each, without what --json has more.
    """
    from streams.cli.brief import brief
    from streams.kafka.tailing import Tail
    from streams.masking.masker import Masker
    from streams.stack.attachment import attached_settings

    settings = attached_settings()
    chosen = _find(topic, settings.topics)
    masker = Masker(settings.models_directory)
    if not raw and chosen.raw:
        masker.load()
    mask = masker.masked if not raw and chosen.raw else _as_it_is
    console = Console(soft_wrap=True)
    try:
        for seen in Tail(settings, chosen, mask).follow(last, wait=follow):
            if as_json:
                sys.stdout.write(seen.to_json() + "\n")
                sys.stdout.flush()
            else:
                console.print(seen.to_text(brief(chosen.name, seen.body)))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _as_it_is(value: object) -> object:
    return value


def _find(name: str, namespace: Namespace) -> Topic:
    found = namespace.find(name)
    if found is None:
        known = ", ".join(topic.name for topic in (*SOURCES, *(t for t in TOPICS if t not in SOURCES)))
        raise ConfigError(f"no such topic; there are {known}", field="topic")
    return found
