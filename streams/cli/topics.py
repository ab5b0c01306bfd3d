"""``weir topics``: create, compare, list and lag."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from schemas.errors import ConfigError
from streams.cli.tables import output, show

if TYPE_CHECKING:
    from streams.kafka.topic_admin import Difference

_WIDE: Final = 150  # columns that ids and descriptions need beside the rest

app = typer.Typer(help="Create and list topics, and see how far behind their readers are.", no_args_is_help=True)


@app.command()
def create() -> None:
    """Create what is missing of the topic table and correct settings that differ. Idempotent."""
    from streams.kafka.topic_admin import create_topics
    from streams.stack.attachment import attached_settings

    rows = [
        (done.name, done.outcome, ", ".join(f"{k}={v}" for k, v in done.changes.items()), done.warning)
        for done in create_topics(attached_settings())
    ]
    show("Topics", ("topic", "outcome", "settings corrected", "warning"), rows)


@app.command()
def diff(as_json: Annotated[bool, typer.Option("--json", help="A JSON array instead of a table.")] = False) -> None:
    """Show what of the topic table is not so on the broker, and change nothing. Exit status 1 if anything is not.

    `weir topics apply` mends what it can; replicas are added by kafka-reassign-partitions.sh, partitions by nobody.
    """
    from streams.kafka.topic_admin import differences
    from streams.stack.attachment import attached_settings

    raise typer.Exit(_tell(differences(attached_settings()), as_json=as_json))


@app.command()
def apply(as_json: Annotated[bool, typer.Option("--json", help="A JSON array instead of a table.")] = False) -> None:
    """Do as `create`, then show what still differs. Exit status 1 if anything does: for a pipeline."""
    from streams.kafka.topic_admin import create_topics, differences
    from streams.stack.attachment import attached_settings

    settings = attached_settings()
    done = create_topics(settings)
    if not as_json:
        changed = [each for each in done if each.outcome != "existed"]
        typer.echo(f"{len(changed)} of {len(done)} topics were created or corrected")
    raise typer.Exit(_tell(differences(settings), as_json=as_json))


def _tell(found: "Sequence[Difference]", *, as_json: bool) -> int:
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2))
    elif found:
        rows = [
            (each.name, each.what, each.wanted, each.found, "apply" if each.mended else "by hand") for each in found
        ]
        show("Differences", ("topic", "what", "wanted", "found", "mended"), rows)
    else:
        typer.echo("every topic is as the table says")
    return 1 if found else 0


@app.command("list")
def list_topics() -> None:
    """Show every topic of the table as it is on the broker; its id and what it carries where there is room."""
    from streams.kafka.topic_admin import list_topics as states
    from streams.stack.attachment import attached_settings

    rows = [
        (state.name, state.partitions or "missing", state.offsets, state.topic_id, state.summary)
        for state in states(attached_settings())
    ]
    columns = ("topic", "partitions", "messages", "id", "what it carries")
    fit = len(columns) if output().width >= _WIDE else len(columns) - 2
    show("Topics", columns[:fit], [row[:fit] for row in rows])


@app.command()
def accept(topic: Annotated[str, typer.Argument(help="With or without the namespace.")]) -> None:
    """Let the writer go on with a topic that was deleted and created anew on purpose."""
    from streams.kafka.admin import KafkaAdmin
    from streams.stack.attachment import attached_settings
    from streams.store.client import Store
    from streams.store.positions import accept_topic

    settings = attached_settings()
    found = settings.topics.find(topic)
    name = settings.topics.of(found) if found else topic
    with KafkaAdmin(settings) as admin, Store.of(settings) as store:
        described = admin.describe([name]).get(name)
        if described is None:
            raise ConfigError(f"the broker has no topic {name}", field="topic")
        accept_topic(store, name, described.topic_id)
    typer.echo(f"accepted {name} with id {described.topic_id}; start the writer again")


@app.command()
def acls(
    application: Annotated[list[str] | None, typer.Option(help="An application's user; may be given again.")] = None,
    engine: Annotated[list[str] | None, typer.Option(help="Of an engine of one's own in infer's place.")] = None,
    reviewer: Annotated[list[str] | None, typer.Option(help="Of who decides about what is held.")] = None,
    operator: Annotated[list[str] | None, typer.Option(help="Of who may do everything with these topics.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Make them on the broker instead of printing them.")] = False,
) -> None:
    """Print who may do what on the broker, as options of Kafka's own kafka-acls.sh, a grant a line.

    The processes' users are NAMESPACE-worker, -infer, -settle, -store, -monitor and -notify; a user is what Kafka
    knows a client by. What is not granted is refused, if the broker has an authorizer.
    """
    from streams.kafka.access import Role, grants, own_users
    from streams.kafka.admin import KafkaAdmin
    from streams.stack.attachment import attached_settings

    settings = attached_settings()
    named: dict[Role, list[str] | None] = {
        "application": application, "engine": engine, "reviewer": reviewer, "operator": operator
    }  # fmt: skip
    users = {user: role for role, given in named.items() for user in given or ()}
    wanted = grants(settings.topics, {**own_users(settings.topics), **users})
    if not apply:
        typer.echo("\n".join(grant.option for grant in wanted))
        return
    with KafkaAdmin(settings) as admin:
        admin.grant(wanted)
    typer.echo(f"{len(wanted)} grants are in force, for {len({grant.user for grant in wanted})} users")


@app.command()
def lag(
    partitions: Annotated[bool, typer.Option("--partitions", help="A row a partition, of empty topics too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON a partition.")] = False,
) -> None:
    """Show how many messages each consumer group has still to read of each topic that ever held any."""
    from streams.kafka.topic_admin import by_topic
    from streams.kafka.topic_admin import lag as lags
    from streams.stack.attachment import attached_settings

    found = lags(attached_settings())
    if as_json:
        for each in found:
            typer.echo(json.dumps(asdict(each)))
    elif partitions:
        rows = [(each.group, each.topic, each.partition, each.committed, each.end, each.behind) for each in found]
        show("Lag", ("group", "topic", "partition", "committed", "end", "behind"), rows, named_by=3)
    else:
        used = [each for each in by_topic(found) if each.messages]
        table = [(each.group, each.topic, each.messages, each.behind, each.partitions_behind) for each in used]
        show("Lag", ("group", "topic", "messages", "behind", "partitions behind"), table, named_by=2)
        typer.echo("topics that never held a message are left out; --partitions shows all")
