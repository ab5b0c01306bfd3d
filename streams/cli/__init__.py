"""The command ``weir``: one file a group of commands, each importing what it needs when it runs."""

import logging
import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from schemas.errors import UnavailableError, WeirError
from streams.cli import (
    alerts,
    check,
    console,
    demo,
    dlq,
    doctor,
    errors,
    estimates,
    forget,
    grafana,
    guards,
    models,
    monitors,
    plan,
    policy,
    processes,
    review,
    stack,
    store,
    top,
    topics,
    traffic,
    vault,
)

app = typer.Typer(
    name="weir",
    help="Event-driven guardrails and monitoring for language-model traffic on Kafka.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Settings are WEIR_* environment variables; docs/settings.md lists them.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"weir {version('weir')}")
        raise typer.Exit


@app.callback()
def _weir(
    show: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Take what stands before a command."""


_LOCAL, _TRAFFIC, _GUARDS, _PEOPLE = "Local stack", "Traffic", "Guards and policies", "What people read and are told"
_FLOW, _UPKEEP = "Processes", "Upkeep"
app.command(rich_help_panel=_LOCAL)(demo.demo)
app.command(rich_help_panel=_LOCAL)(stack.up)
app.command(rich_help_panel=_LOCAL)(stack.status)
app.command(rich_help_panel=_LOCAL)(stack.down)
app.command(rich_help_panel=_LOCAL)(doctor.doctor)
app.command(rich_help_panel=_TRAFFIC)(check.check)
app.command(rich_help_panel=_TRAFFIC)(traffic.send)
app.command(rich_help_panel=_TRAFFIC)(traffic.tail)
app.command(rich_help_panel=_TRAFFIC)(top.top)
app.add_typer(policy.app, name="policy", rich_help_panel=_GUARDS)
app.add_typer(guards.app, name="guards", rich_help_panel=_GUARDS)
app.add_typer(models.app, name="models", rich_help_panel=_GUARDS)
app.add_typer(review.app, name="review", rich_help_panel=_PEOPLE)
app.command(rich_help_panel=_PEOPLE)(console.console)
app.command(rich_help_panel=_PEOPLE)(estimates.estimates)
app.add_typer(errors.app, name="errors", rich_help_panel=_PEOPLE)
app.add_typer(monitors.app, name="monitors", rich_help_panel=_PEOPLE)
app.add_typer(alerts.app, name="alerts", rich_help_panel=_PEOPLE)
app.command(rich_help_panel=_FLOW)(processes.worker)
app.command(rich_help_panel=_FLOW)(processes.infer)
app.command(rich_help_panel=_FLOW)(processes.settle)
app.command(rich_help_panel=_FLOW)(processes.store)
app.command(rich_help_panel=_FLOW)(processes.monitor)
app.command(rich_help_panel=_FLOW)(processes.gateway)
app.command(rich_help_panel=_FLOW)(processes.notify)
app.command(rich_help_panel=_UPKEEP)(store.audit)
app.command(rich_help_panel=_UPKEEP)(store.migrate)
app.add_typer(topics.app, name="topics", rich_help_panel=_UPKEEP)
app.add_typer(dlq.app, name="dlq", rich_help_panel=_UPKEEP)
app.command(rich_help_panel=_UPKEEP)(forget.forget)
app.add_typer(vault.app, name="vault", rich_help_panel=_UPKEEP)
app.command(rich_help_panel=_UPKEEP)(plan.plan)
app.add_typer(grafana.app, name="grafana", rich_help_panel=_UPKEEP)


def main() -> None:
    """Run the command line; a named failure is one line on standard error and exit status 2."""
    logging.getLogger().addHandler(logging.NullHandler())  # libraries' own lines are for the processes' logs
    try:
        app()
    except WeirError as error:
        line = Text("weir: ", style="bold red").append(str(error), style="default")
        if isinstance(error, UnavailableError):
            line.append("; `weir doctor` tells what answers, and what mends the rest", style="dim")
        Console(stderr=True).print(line, soft_wrap=True)
        sys.exit(2)
