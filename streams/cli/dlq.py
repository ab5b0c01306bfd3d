"""``weir dlq``: what could not be read or stored, and sending it again."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from streams.cli.tables import output, show

if TYPE_CHECKING:
    from schemas.dead_letter import Reason
    from streams.dead_letters.letters import Filters

app = typer.Typer(help="List, show and replay dead letters.", no_args_is_help=True)

Topic = Annotated[str | None, typer.Option(help="The original topic, with or without the namespace.")]
Code = Annotated[str | None, typer.Option(help="Only this code, such as MALFORMED_JSON.")]
Stage = Annotated[str | None, typer.Option(help="Only what this stage gave up on.")]
App = Annotated[str | None, typer.Option(help="Only where the body can be read as far as to name this app.")]
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]
Since = Annotated[datetime | None, typer.Option(help="Only what died at this time or later, in UTC.", formats=_TIMES)]
Until = Annotated[datetime | None, typer.Option(help="Only what died before, in UTC.", formats=_TIMES)]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: one JSON object a line.")]


@app.command("list")
def list_letters(  # noqa: PLR0913, PLR0917 - each is an option
    topic: Topic = None, code: Code = None, stage: Stage = None, app: App = None, since: Since = None,
    until: Until = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show dead letters and their reasons, never what they hold."""
    from streams.dead_letters.letters import list_dead_letters
    from streams.stack.attachment import attached_settings

    letters = list_dead_letters(attached_settings(), _filters(topic, code, stage, app, since, until))
    if as_json:
        for letter in letters:
            sys.stdout.write(json.dumps(asdict(letter) | {"time": letter.time.isoformat()}) + "\n")
        return
    rows = [
        (
            f"{letter.topic}:{letter.partition}:{letter.offset}",
            f"{letter.time:%m-%d %H:%M:%S}",
            letter.size,
            _why(letter.reason),
        )
        for letter in letters
    ]
    if not rows:
        output().print("no dead letters")
        return
    show("Dead letters", ("place", "since", "bytes", "why"), rows)


@app.command("show")
def show_letter(
    place: Annotated[str, typer.Argument(help="topic:partition:offset, as `weir dlq list` prints it.")],
    raw: Annotated[bool, typer.Option("--raw", help="Show user text as it is.")] = False,
) -> None:
    """Show one dead letter; personal data and secrets are masked unless --raw is given."""
    from streams.dead_letters.letters import show_dead_letter
    from streams.kafka.place import Place
    from streams.masking.masker import Masker
    from streams.stack.attachment import attached_settings

    topic, _, rest = place.rpartition(":")[0].rpartition(":")
    offset = place.rpartition(":")[2]
    if not topic or not rest.isdecimal() or not offset.isdecimal():
        raise typer.BadParameter("expected topic:partition:offset")
    settings = attached_settings()
    masker = Masker(settings.models_directory)
    if not raw:
        masker.load()
    mask = (lambda value: value) if raw else masker.masked
    exhibit = show_dead_letter(settings, Place(topic, int(rest)), int(offset), mask)
    reason = exhibit.letter.reason
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[red]{reason.code}[/] {reason.field or ''} {reason.message}", markup=True)
    console.print(
        f"from {reason.topic}:{reason.partition}:{reason.offset}, stage {reason.stage}, {exhibit.letter.size} bytes"
    )
    for name, size in exhibit.headers.items():
        console.print(f"[dim]header {name}: {size} bytes[/]")
    console.print(json.dumps(exhibit.body, indent=2), markup=False)


@app.command()
def replay(  # noqa: PLR0913, PLR0917 - each is an option
    topic: Topic = None,
    code: Code = None,
    stage: Stage = None,
    app: App = None,
    since: Since = None,
    until: Until = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    rate: Annotated[float, typer.Option(min=0.1, help="Messages a second at most.")] = 100.0,
    most_replays: Annotated[int, typer.Option(min=1, help="Leave messages that were replayed this often.")] = 3,
) -> None:
    """Send dead letters to their topics again, byte for byte. Doing it twice counts once."""
    from streams.dead_letters.replay import ReplayOptions, replay_dead_letters
    from streams.stack.attachment import attached_settings

    options = ReplayOptions(dry_run=dry_run, per_second=rate, most_replays=most_replays)
    filters = _filters(topic, code, stage, app, since, until)
    done = replay_dead_letters(attached_settings(), filters, options)
    verb = "would be sent" if dry_run else "sent"
    rows = [(name, verb, count) for name, count in done.sent.items()]
    rows += [(reason, "left", count) for reason, count in done.skipped.items()]
    show("Replay", ("topic or reason", "outcome", "messages"), rows)


def _why(reason: "Reason") -> str:
    """One column for what four would break in the middle of their words."""
    replayed = f"(replays: {reason.replays})" if reason.replays else None
    return " ".join(filter(None, (f"{reason.stage}:", reason.code, reason.field, reason.message, replayed)))


def _filters(
    topic: str | None, code: str | None, stage: str | None, app: str | None, since: datetime | None,
    until: datetime | None,
) -> "Filters":  # fmt: skip
    from streams.dead_letters.letters import Filters

    def utc(moment: datetime | None) -> datetime | None:
        return moment and moment.replace(tzinfo=UTC)

    return Filters(topic, code, stage, app, utc(since), utc(until))
