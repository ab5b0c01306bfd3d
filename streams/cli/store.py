"""``weir migrate`` and ``weir audit``: the store's schema and the ledger."""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from streams.cli.tables import output, show


def migrate() -> None:
    """Bring the store's schema up to this version and say what was done. Idempotent."""
    from streams.attachment import attached_settings
    from streams.store.migrations import migrate as apply

    rows = [(done.name, "applied" if done.new else "in place") for done in apply(attached_settings())]
    show("Migrations", ("migration", "state"), rows)


def audit(
    as_json: Annotated[bool, typer.Option("--json", help="The whole ledger as JSON.")] = False,
) -> None:
    """Account for every event: judged, dead, in flight or missing. Exit status: 1 if anything is missing."""
    from streams.attachment import attached_settings
    from streams.store.audit import audit as account

    found = account(attached_settings())
    if as_json:
        sys.stdout.write(json.dumps(asdict(found), default=str) + "\n")
        raise typer.Exit(0 if found.complete else 1)
    columns = ("topic", "part", "hour", "in", "judged", "dead", "in flight", "missing")
    show(
        "Ledger",
        columns,
        [
            (h.topic, h.partition, f"{h.hour:%m-%d %H:00}", h.came_in, h.judged, h.dead, h.in_flight, h.missing)
            for h in found.hours
        ],
    )
    console = output()
    for gap in found.missing:
        console.print(f"[bold red]missing[/] {gap.topic}:{gap.partition} offsets {gap.first} to {gap.last}")
    totals = found.totals
    console.print(
        f"{totals.came_in:,} in = {totals.judged:,} judged + {totals.dead:,} dead + {totals.in_flight:,} in flight"
        f" + {totals.missing:,} missing; {found.duplicates.extra:,} came twice under one id"
    )
    if found.complete:
        console.print("[bold green]Nothing is missing.[/]")
    raise typer.Exit(0 if found.complete else 1)
