"""``weir doctor``."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.tables import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from streams.doctor.finding import Finding


def doctor(as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False) -> None:
    """Look at everything that Weir needs, and name the command that mends what is wrong. Changes nothing.

    Machine, packages, models, policies, keys, Kafka with its topics and their readers, and the store. It takes 20
    seconds at most. Exit status: 1 if anything that is needed is missing.
    """
    from dataclasses import asdict

    from streams.doctor.examination import examine
    from streams.doctor.finding import State

    console = output()
    with console.status("looking around…"):
        findings = examine()
    if as_json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings]) + "\n")
    else:
        console.print(_table(findings))
    raise typer.Exit(1 if any(finding.state is State.MISSING for finding in findings) else 0)


def _table(findings: "Sequence[Finding]") -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from streams.doctor.finding import State

    signs = {
        State.OK: Text("✓", "green"),
        State.WARNING: Text("!", "bold yellow"),
        State.MISSING: Text("✗", "bold red"),
    }
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("how it is, and what mends it", overflow="fold")
    for finding in findings:
        what = Text(finding.what)
        if finding.fix:
            what.append(f"\n→ {finding.fix}", style="cyan")
        table.add_row(signs[finding.state], Text(finding.name), what)
    return table
