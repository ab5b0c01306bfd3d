"""``weir grafana``: bringing the dashboards to Grafana."""

from typing import Annotated

import typer

from streams.cli.tables import show

app = typer.Typer(help="Bring the dashboards to a Grafana that exists.", no_args_is_help=True)


@app.command()
def push(
    source: Annotated[
        list[str] | None,
        typer.Option(help="A data source under another uid than ours: weir-clickhouse=UID or weir-prometheus=UID."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array instead of a table.")] = False,
) -> None:
    """Create or update the dashboards in the folder Weir; those that are the same already stay as they are.

    WEIR_GRAFANA_URL and WEIR_GRAFANA_TOKEN (a service account's, role Editor) say where. Grafana needs the plugin
    grafana-clickhouse-datasource and two data sources: deploy/grafana/provisioning/datasources has them.
    """
    import dataclasses
    import json

    from streams.grafana.push import SHIPPED_SOURCES, push_dashboards
    from streams.settings import load_settings

    sources = {}
    for each in source or ():
        name, _, uid = each.partition("=")
        if name not in SHIPPED_SOURCES or not uid:
            raise typer.BadParameter(f"expected {' or '.join(SHIPPED_SOURCES)}, =, and a uid", param_hint="--source")
        sources[name] = uid
    done = push_dashboards(load_settings(), sources)
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(each) for each in done], indent=2))
        return
    show("Dashboards", ("title", "outcome", "where"), [(each.title, each.outcome, each.url) for each in done])
