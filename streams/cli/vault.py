"""``weir vault``: raw texts that were kept encrypted, and the master key that they depend on."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from streams.printable import printable

if TYPE_CHECKING:
    from streams.settings import Settings
    from streams.vault.archive import Progress
    from streams.vault.unmasking import Unmasked

app = typer.Typer(help="Show or forget raw texts that were kept encrypted; make master keys.", no_args_is_help=True)

App = Annotated[str | None, typer.Option(help="Only of this app.")]


@app.command("new-key")
def make_key(
    file: Annotated[Path | None, typer.Option(help="Put it there, readable for its owner alone.")] = None,
) -> None:
    """Make a master key: 32 random bytes in base64, for WEIR_VAULT_KEY or the file of WEIR_VAULT_KEY_FILE.

    Whoever has it can read what is kept; if it is lost, nobody can.
    """
    from schemas.errors import Code, ConfigError
    from streams.vault.key_source import new_key, write_key_file

    if file is None:
        sys.stdout.write(new_key() + "\n")
        return
    if file.exists():
        raise ConfigError("exists and stays as it is", code=Code.VAULT_KEY, field=str(file))
    write_key_file(file)
    typer.echo(f"made {file}; WEIR_VAULT_KEY_FILE={file.absolute()}", err=True)


@app.command()
def show(
    event: Annotated[str, typer.Argument(help="The event's id, as in source_event_id of a verdict.")],
    reason: Annotated[str, typer.Option(help="Why; it goes on record.")],
    by: Annotated[str | None, typer.Option(help="Who; by default your account, which is on record anyway.")] = None,
    app: App = None,
    source: Annotated[str | None, typer.Option(help="Only from this source.")] = None,
    stage: Annotated[str | None, typer.Option(help="Only what this stage kept: screen, judge or observe.")] = None,
) -> None:
    """Show the raw text of an event, once it is on record who saw it and why (v_unmaskings).

    Text on a terminal, elsewhere one JSON object a line. It reads the whole topic, which may take a while. Exit
    status: 1 if nothing is kept of the event.
    """
    from streams.account import account
    from streams.vault.archive import Wanted
    from streams.vault.unmasking import Warrant, unmask

    settings = attached()
    name = account()
    warrant = Warrant(name if by is None else by, name, reason)
    with progress() as told:
        found = unmask(settings, Wanted(event, app, source, stage), warrant, told)
    for each in found:
        sys.stdout.write(text_of(each) if sys.stdout.isatty() else _json(each))
    if not found:
        typer.echo("nothing is kept of such an event", err=True)
    raise typer.Exit(0 if found else 1)


@app.command()
def forget(
    app: Annotated[str, typer.Option(help="The subject's app: users of another are others.")],
    user: Annotated[str | None, typer.Option(help="The user.")] = None,
    conversation: Annotated[str | None, typer.Option(help="Or a conversation of nobody in particular.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Destroy what the vault keeps of a user, or of a conversation without a user. There is no way back.

    The raw topics keep what came in until their retention ends.
    """
    from streams.vault.forgetting import forget as destroy
    from streams.vault.keeper import subject_of

    if (user is None) == (conversation is None):
        raise typer.BadParameter("expected exactly one of --user and --conversation")
    subject = subject_of(app, user, conversation or "")
    shown = printable(subject)
    settings = attached()
    if not yes:
        typer.confirm(f"Destroy everything that is kept of {shown}?", abort=True)
    with progress() as told:
        done = destroy(settings, subject, told)
    typer.echo(f"destroyed {done.data_keys:,} data keys and {done.entries:,} entries of {shown}")


def attached() -> "Settings":
    """The settings. Our own log goes to standard error; no library's does, so that a failure is one line."""
    from streams.logs import set_up_logs
    from streams.stack.attachment import attached_settings

    settings = attached_settings()
    set_up_logs("vault", settings.log_level, settings.log_format)
    for handler in logging.getLogger().handlers:
        handler.addFilter(logging.Filter("streams"))
    return settings


@contextmanager
def progress() -> Iterator["Progress"]:
    """Tells a terminal how far reading has come."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("reading the vault"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _json(each: "Unmasked") -> str:
    values = {
        "app": each.event.app,
        "source": each.event.source,
        "source_event_id": each.event.event_id,
        "stage": each.event.stage,
        "subject": each.subject,
        "kept_at": each.kept_at.isoformat(),
        "content": dict(each.content),
    }
    return json.dumps(values) + "\n"


def text_of(each: "Unmasked") -> str:
    """An entry as people read it on a terminal."""
    where = f"{each.event.stage} of {each.event.event_id} from {each.event.source}"
    lines = [f"── {where}, {each.subject}, kept {each.kept_at:%Y-%m-%d %H:%M:%S}"]
    for name, text in each.content.items():
        lines += [f"{printable(name)}:", printable(text)]
    return "\n".join(lines) + "\n"
