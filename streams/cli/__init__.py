"""The command ``weir``: one file a group of commands, each importing what it needs when it runs."""

import sys

import typer
from rich.console import Console

from schemas.errors import WeirError
from streams.cli import check, models

app = typer.Typer(
    name="weir",
    help="Event-driven guardrails and monitoring for language-model traffic on Kafka.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Settings are WEIR_* environment variables; docs/settings.md lists them.",
)
app.command("check")(check.check)
app.add_typer(models.app, name="models")


def main() -> None:
    """Run the command line; a named failure is one line on standard error and exit status 2."""
    try:
        app()
    except WeirError as error:
        Console(stderr=True).print(f"[bold red]weir:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(2)
