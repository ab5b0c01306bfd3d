"""``weir topics``: create, list and lag."""

import typer

from streams.cli.tables import show

app = typer.Typer(help="Create and list topics, and see how far behind their readers are.", no_args_is_help=True)


@app.command()
def create() -> None:
    """Create what is missing of the topic table and correct settings that differ. Idempotent."""
    from streams.attachment import attached_settings
    from streams.topic_admin import create_topics

    rows = [
        (done.name, done.outcome, ", ".join(f"{k}={v}" for k, v in done.changes.items()), done.warning)
        for done in create_topics(attached_settings())
    ]
    show("Topics", ("topic", "outcome", "settings corrected", "warning"), rows)


@app.command("list")
def list_topics() -> None:
    """Show every topic of the table as it is on the broker."""
    from streams.attachment import attached_settings
    from streams.topic_admin import list_topics as states

    rows = [
        (state.name, state.partitions or "missing", state.offsets, state.topic_id, state.summary)
        for state in states(attached_settings())
    ]
    show("Topics", ("topic", "partitions", "messages", "id", "what it carries"), rows)


@app.command()
def lag() -> None:
    """Show how many messages each consumer group has still to read."""
    from streams.attachment import attached_settings
    from streams.topic_admin import lag as lags

    rows = [
        (each.group, each.topic, each.partition, each.committed, each.end, each.behind)
        for each in lags(attached_settings())
    ]
    show("Lag", ("group", "topic", "partition", "committed", "end", "behind"), rows)
