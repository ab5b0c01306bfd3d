"""``weir up``, ``down`` and ``status``: everything on one machine."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streams.cli.tables import doing, output, show

if TYPE_CHECKING:
    from streams.local.state import StackState

_REQUEST: Final = '{"app":"default","messages":[{"role":"user","content":"Hi"}]}'


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when everything is ready.")] = False,
) -> None:
    """Start Kafka, ClickHouse and every Weir process on this machine; Ctrl-C or `weir down` ends them all.

    Data stay in WEIR_HOME (.weir here), so a second `up` goes on with them. WEIR_KAFKA_BOOTSTRAP and
    WEIR_CLICKHOUSE_URL use a cluster and a server that exist instead of local ones.
    """
    from streams.local.state import read_state
    from streams.settings import load_settings
    from streams.stack.stack import run_stack, start_detached

    settings = load_settings()
    console = output()
    if not detach:
        run_stack(settings, console, lambda state: tell(console, state))
        return
    running = read_state(settings.home)
    if running is not None and running.ready:
        console.print("already running")
        tell(console, running)
        return
    with doing(console, "starting Kafka, ClickHouse, the model and the other processes…"):
        state = start_detached(settings)
    tell(console, state)


def down() -> None:
    """End the local stack and wait until every process of it is gone. Data stay."""
    from streams.local.state import stop_stack
    from streams.settings import load_settings
    from streams.stack.stack import STOP_DEADLINE_S

    console = Console(highlight=False)
    with console.status("ending the local stack…"):
        stopped = stop_stack(load_settings().home, STOP_DEADLINE_S)
    console.print("stopped" if stopped else "nothing runs here")


def status(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Show what runs and under which addresses. Exit status: 1 if nothing does."""
    from streams.local.state import read_state
    from streams.settings import load_settings

    state = read_state(load_settings().home)
    if as_json:
        sys.stdout.write(json.dumps(_plain(state)) + "\n")
    elif state is None:
        Console(highlight=False).print("nothing runs here; `weir up` starts the local stack")
    else:
        show(
            "Processes",
            ("process", "pid", "restarts", "metrics"),
            [(each.name, str(each.pid or "down"), each.restarts, each.metrics_url) for each in state.processes],
        )
        tell(output(), state)
    raise typer.Exit(0 if state else 1)


def _plain(state: "StackState | None") -> dict[str, object]:
    from dataclasses import asdict

    from schemas.topics import TOPICS, Namespace

    if state is None:
        return {"processes": []}
    return {
        "bootstrap": state.bootstrap,
        "namespace": state.namespace,
        "topics": [Namespace(state.namespace).of(topic) for topic in TOPICS],
        "clickhouse_url": state.clickhouse_url,
        "database": state.database,
        "gateway_url": state.gateway_url,
        "metrics_urls": state.metrics_urls,
        "processes": [asdict(process) for process in state.processes],
        "ready": state.ready,
    }


def tell(console: Console, state: "StackState") -> None:
    """Say where everything is and what to try first, in 80 columns; a command to copy is broken by nothing."""
    title, colour = ("Weir is ready", "green") if state.ready else ("Weir is starting", "yellow")
    console.print(
        Panel(_addresses(state), title=f"[bold]{title}[/]", title_align="left", border_style=colour, expand=False)
    )
    query = f"SELECT action, count() FROM {state.database}.v_verdicts GROUP BY 1"  # noqa: S608 - shown, not run
    for command in (
        f"echo '{_REQUEST}' | weir send -",
        "weir tail replies",
        f"curl {state.clickhouse_url.removeprefix('http://')} -d '{query}'",
        "weir top · weir audit · weir status · weir down",
    ):
        console.print(Text("  ").append(command, style="bold"), soft_wrap=True)


def _addresses(state: "StackState") -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    names = state.namespace
    grid.add_row("ask", f"{names}.requests → {names}.replies")
    grid.add_row("observe", f"{names}.interactions → {names}.verdicts")
    grid.add_row("Kafka", state.bootstrap)
    grid.add_row("OpenAI's API", state.gateway_url)
    grid.add_row("ClickHouse", f"{state.clickhouse_url}, database {state.database}")
    return grid
