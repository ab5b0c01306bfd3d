"""The long-running processes, one command each."""

import typer
from rich.console import Console

from streams.settings import Settings


def worker() -> None:
    """Run the Faust agents: screen requests, judge what the model made of them, observe interactions.

    Ends cleanly on SIGTERM: the running batch is finished, published and committed.
    """
    settings = _start("worker")
    from streams.topology import AGENTS
    from streams.worker import run_judging_worker

    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        for agent in AGENTS:
            console.print(f"[dim]{agent.describe(settings.topics)}[/]")
    raise typer.Exit(run_judging_worker(settings))


def store() -> None:
    """Run the writer: verdicts, replies, reviews and dead letters from Kafka to ClickHouse.

    Ends cleanly on SIGTERM.
    """
    settings = _start("store")
    from streams.store.process import run_writer

    raise typer.Exit(run_writer(settings))


def infer() -> None:
    """Run the model that answers requests, interactive ones first. Several may share the work.

    Ends cleanly on SIGTERM.
    """
    settings = _start("infer")
    from streams.infer.process import run_infer

    raise typer.Exit(run_infer(settings))


def settle() -> None:
    """Run settle: exactly one final reply to every request.

    Several may run: one settles, the others stand by. Ends cleanly on SIGTERM.
    """
    settings = _start("settle")
    from streams.settle.process import run_settle

    raise typer.Exit(run_settle(settings))


def monitor() -> None:
    """Run the monitor: verdicts into hourly bins, bins into alarms with a budget of false pages, alarms into alerts.

    Several may run: one watches, the others stand by. Ends cleanly on SIGTERM.
    """
    settings = _start("monitor")
    from streams.monitor.process import run_monitor

    raise typer.Exit(run_monitor(settings))


def gateway() -> None:
    """Serve OpenAI's chat completions over HTTP: a client needs another base URL, and its answers are guarded.

    Ends cleanly on SIGTERM.
    """
    settings = _start("gateway")
    from streams.gateway.process import run_gateway

    raise typer.Exit(run_gateway(settings))


def notify() -> None:
    """Tell people of alerts: Alertmanager, a webhook, Grafana and the log, as far as each is set.

    Several may run: one tells, the others stand by. Ends cleanly on SIGTERM.
    """
    settings = _start("notify")
    from streams.notify.process import run_notify

    raise typer.Exit(run_notify(settings))


def _start(process: str) -> Settings:
    from streams.logs import set_up_logs
    from streams.settings import load_settings

    settings = load_settings()
    set_up_logs(process, settings.log_level, settings.log_format)
    return settings
