"""``weir errors``: what goes wrong, in groups of texts alike."""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import typer

from streams.cli.tables import output, show

app = typer.Typer(help="What goes wrong, in groups of texts alike; and texts like another.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="As JSON, one object a line.")]


@app.command("list")
def list_(
    of: Annotated[str, typer.Option("--app", help="Only of this app.")] = "",
    days: Annotated[float, typer.Option(min=0.001, max=90, help="Of the traffic of so many days up to now.")] = 7,
    failing: Annotated[str, typer.Option(help="Only what went wrong so: `missed`, `false alarm`, `toxicity`…")] = "",
    as_json: AsJson = False,
) -> None:
    """Group what guards acted on, what readers say was missed or a false alarm, and what users disliked.

    Texts are grouped by their vectors, which `weir errors refresh` makes; words are those that tell a group's texts
    from all others. The newest 3,000 texts are read. Everything shown is masked.
    """
    from streams.failures.clusters import read_clusters
    from streams.failures.rendering import COLUMNS, row, summary
    from streams.stack.attachment import attached_settings
    from streams.store.client import Store

    with Store.of(attached_settings()) as store:
        survey = read_clusters(store, datetime.now(UTC) - timedelta(days=days), of, failing)
    if as_json:
        sys.stdout.write("".join(json.dumps(cluster.to_json()) + "\n" for cluster in survey.clusters))
        return
    if not survey.read:
        output().print("no text of that time has a vector yet: weir errors refresh")
        return
    if survey.clusters:
        show(f"Failures alike, {days:g} days", COLUMNS, [row(cluster) for cluster in survey.clusters], named_by=2)
    output().print(summary(survey))


@app.command()
def similar(
    verdict: Annotated[str, typer.Argument(help="A verdict's id, or as much of its beginning as tells it apart.")],
    side: Annotated[Literal["prompt", "response"] | None, typer.Option(help="Which text; by default the last.")] = None,
    most: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show the texts most like a verdict's, by the cosine of their vectors; masked."""
    from streams.failures.likeness import more_like
    from streams.failures.rendering import LIKE_COLUMNS, like_row
    from streams.stack.attachment import attached_settings
    from streams.store.client import Store

    with Store.of(attached_settings()) as store:
        found = more_like(store, verdict, side, most)
    if as_json:
        sys.stdout.write("".join(json.dumps(each.to_json()) + "\n" for each in found))
    else:
        show("Alike", LIKE_COLUMNS, [like_row(each) for each in found])


@app.command()
def refresh(
    most: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="At most so many vectors, the newest texts'.")
    ] = 5_000,
    every: Annotated[float | None, typer.Option(min=0.1, help="Again after so many minutes, until stopped.")] = None,
) -> None:
    """Make the vectors that are missing, of verdicts that were sampled or acted on, from their masked texts."""
    from models.encoder import OnnxEncoder
    from schemas.errors import UnavailableError
    from streams.failures.refreshing import refresh as refreshed
    from streams.stack.attachment import attached_settings
    from streams.store.client import Store

    settings = attached_settings()
    encoder = OnnxEncoder(settings.models_directory, threads=settings.threads)
    encoder.load()
    while True:
        try:
            with Store.of(settings) as store:
                made = max(refreshed(store, encoder, datetime.now(UTC), most), default=0)
            output().print(f"{made:,} vectors made")
        except UnavailableError as error:
            if every is None:
                raise
            output().print(f"the store does not answer ({error.code}): again in {every:g} minutes")
        if every is None:
            return
        time.sleep(60 * every)
