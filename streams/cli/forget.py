"""``weir forget``: destroys what is kept of a user or a conversation, and says what is left."""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from streams.printable import printable


def forget(
    app: Annotated[str, typer.Option(help="The subject's app: users of another are others.")],
    user: Annotated[str | None, typer.Option(help="The user.")] = None,
    conversation: Annotated[str | None, typer.Option(help="Or a conversation.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The receipt as JSON.")] = False,
) -> None:
    """Forget all that a user, or a conversation, sent until now. There is no way back.

    Destroys the vault's keys and entries and the store's rows, and tells every stage, the writer and replays to drop
    what they meet again. The receipt names the day on which Kafka's raw topics have lost it too.
    """
    from streams.account import account
    from streams.cli.vault import attached, progress
    from streams.erasure.forgetting import Wanted
    from streams.erasure.forgetting import forget as destroy

    if (user is None) == (conversation is None):
        raise typer.BadParameter("expected exactly one of --user and --conversation")
    wanted = Wanted(app, user, conversation)
    shown = printable(wanted.subject)
    settings = attached()
    if not yes:
        typer.confirm(f"Destroy everything that is kept of {shown}?", abort=True)
    with progress() as told:
        receipt = destroy(settings, wanted, account(), told)
    if as_json:
        sys.stdout.write(json.dumps(asdict(receipt), default=str) + "\n")
        return
    typer.echo(f"forgotten: {shown}, all until {receipt.before:%Y-%m-%d %H:%M:%S} UTC")
    typer.echo(f"vault      {receipt.data_keys:,} data keys and {receipt.entries:,} entries destroyed")
    for table, rows in receipt.rows.items():
        typer.echo(f"{table:<10} {rows:,} rows {'without their names' if table == 'settlements' else 'destroyed'}")
    typer.echo(f"raw topics keep what came in until {receipt.raw_until:%Y-%m-%d}, unread by Weir")
