"""``weir migrate`` and ``weir audit``: the store's schema and the ledger."""

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.tables import output, show

if TYPE_CHECKING:
    from streams.store.audit import Audit


def migrate() -> None:
    """Bring the store's schema up to this version and say what was done. Idempotent."""
    from streams.stack.attachment import attached_settings
    from streams.store.migrations import migrate as apply

    rows = [(done.name, "applied" if done.new else "in place") for done in apply(attached_settings())]
    show("Migrations", ("migration", "state"), rows)


def audit(
    as_json: Annotated[bool, typer.Option("--json", help="The whole ledger as JSON, by partition and hour.")] = False,
) -> None:
    """Account for every event at every stage that it has to pass, and for every reply.

    An event is done (judged, or settled with a final reply), dead, in flight or missing; what is held waits for a
    person and is in flight. Exit status: 1 if anything is missing or a reply is amiss.
    """
    from streams.stack.attachment import attached_settings
    from streams.store.audit import audit as account

    found = account(attached_settings())
    if as_json:
        sys.stdout.write(json.dumps(asdict(found), default=str) + "\n")
    else:
        _show_audit(found)
    raise typer.Exit(0 if found.complete else 1)


def _show_audit(found: "Audit") -> None:
    columns = ("topic", "stage", "in", "done", "dead", "in flight", "held", "missing")
    show(
        "Ledger",
        columns,
        [(t.topic, t.stage, t.came_in, t.done, t.dead, t.in_flight, t.held, t.missing) for t in found.totals],
    )
    console = output()
    for gap in found.missing:
        offsets = f"offset {gap.first}" if gap.first == gap.last else f"offsets {gap.first} to {gap.last}"
        console.print(f"[bold red]missing[/] at {gap.stage}: {gap.topic}:{gap.partition} {offsets}")
    replies = found.replies
    for faulty in replies.examples:
        console.print(f"[bold red]{faulty.fault}[/] {faulty.topic}:{faulty.partition} offset {faulty.offset}")
    if not replies.passed:
        console.print(
            f"Replies: {replies.unanswered:,} settled without one, {replies.unsettled:,} without a settlement,"
            f" {replies.repeated:,} to requests that had one"
        )
    console.print(f"{found.duplicates.extra:,} came again under an id that was judged")
    if found.complete:
        console.print("[bold green]Nothing is missing.[/]")
