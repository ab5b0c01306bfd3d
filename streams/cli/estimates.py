"""``weir estimates``: how good the guards are and how bad the traffic is, by what people read."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from streams.cli.tables import output, show


def estimates(
    app: Annotated[str, typer.Option(help="Only of this app.")] = "",
    days: Annotated[float, typer.Option(min=0.001, max=90, help="Of the traffic of so many days up to now.")] = 28,
    by_model: Annotated[bool, typer.Option("--by-model", help="Each model on its own.")] = False,
    store_them: Annotated[
        bool, typer.Option("--store", help="Store them, too, as `weir store` does every hour.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one object a line.")] = False,
) -> None:
    """Estimate prevalence, precision, recall, accuracy, relevance and correctness from the labels of the sample.

    Each figure is of all traffic, read or not, and comes with a 95% interval: exact where few were bad, else
    stratified (MOVER), helped by scores where that gains (PPI++). docs/statistics.md says what each promises.
    """
    from streams.estimates.figures import Period, read_figures
    from streams.estimates.rendering import COLUMNS, COLUMNS_BY_MODEL, row
    from streams.estimates.storing import store_figures
    from streams.stack.attachment import attached_settings
    from streams.store.client import Store

    now = datetime.now(UTC)
    settings, period = attached_settings(), Period(now - timedelta(days=days), now)
    with Store.of(settings) as store:
        found = read_figures(store, period, app, by_model=by_model, experts=settings.experts)
        if store_them:
            store_figures(store, found, now)
    if as_json:
        sys.stdout.write("".join(json.dumps(figure.to_json()) + "\n" for figure in found))
    elif not found:
        output().print("no sampled verdict of that time has a label yet: weir review next")
    else:
        title = f"Estimates, {days:g} days"
        columns, names = (COLUMNS_BY_MODEL, 4) if by_model else (COLUMNS, 3)
        show(title, columns, [row(each, by_model=by_model) for each in found], named_by=names)
