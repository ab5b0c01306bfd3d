"""``weir monitors``: what is watched, how far it is from a page, and references for other installations."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from streams.cli.tables import output, show

if TYPE_CHECKING:
    from schemas.alert import Alert
    from schemas.monitoring import MonitorProgress, SeriesState

app = typer.Typer(help="What the monitor watches, and what it knows.", no_args_is_help=True)
_BARS: Final = "▁▂▃▄▅▆▇█"
_WIDTH: Final = 72
_PLENTY: Final = 10
"""Times the evidence for a page of which no more is said than that it is more."""
_App = Annotated[str | None, typer.Option("--app", help="Of this app alone.")]
_Json = Annotated[bool, typer.Option("--json", help="JSON, for scripts.")]


@app.command("list")
def list_(of: _App = None, as_json: _Json = False) -> None:
    """Every series: what it does, its level, and its evidence against what pages.

    A series learns for `alarms.reference_days` (28 unless the policy says otherwise) and is watched from then on. An
    app pages when the mean evidence of its series reaches the threshold; "sees in a week" is the least rise that is as
    likely as not to be found in 168 bins.
    """
    from streams.monitor.standing import as_json as told
    from streams.monitor.standing import read_standing
    from streams.stack.attachment import attached_settings

    standing = read_standing(attached_settings())
    if as_json:
        for line in told(standing, of):
            sys.stdout.write(json.dumps(line) + "\n")
        return
    rows = [
        (
            state.app,
            state.series,
            _doing(state, standing.open_alert(state)),
            _number(state.level),
            _evidence(state),
            _number(state.visible_shift, "+"),
        )
        for state in standing.of(of)
    ]
    if rows:
        show("Series", ("app", "series", "", "level", "evidence of what pages", "sees in a week"), rows, named_by=2)
    else:
        output().print("nothing is watched yet: an app's series begin when its first bin is closed")
    output().print(_reading(standing.progress))


@app.command("show")
def show_(
    name: Annotated[str, typer.Argument(metavar="APP", help="The app.")],
    series: Annotated[str, typer.Argument(help="The series, as `weir monitors list` has it.")],
) -> None:
    """One series: its last bins, what was expected of them, its promise, and its alert if there is one."""
    from schemas.errors import ConfigError
    from streams.monitor.standing import read_standing, week
    from streams.stack.attachment import attached_settings

    standing = read_standing(attached_settings())
    state = standing.series.get((name, series))
    if state is None:
        raise ConfigError("no such series; `weir monitors list` has them all", field=f"{name} {series}")
    console, seen = output(), week(state)
    alert = standing.open_alert(state)
    console.print(f"[bold]{name} · {series}[/]  {_doing(state, alert)}")
    if seen.rates:
        low, high = min(seen.rates), max(seen.rates)
        console.print(f"\n  {_spark(seen.rates[-_WIDTH:])}  {low:.3f} to {high:.3f}")
        expected = [rate for rate in seen.expected[-_WIDTH:] if rate is not None]
        if len(expected) == len(seen.rates[-_WIDTH:]):
            console.print(f"  {_spark(expected, low, high)}  expected")
        last, first = (_moment(seen.numbers[at], state.bin_seconds) for at in (-1, max(-_WIDTH, -len(seen.numbers))))
        console.print(f"  [dim]{first} to {last}, {seen.events:,} events in {len(seen.numbers)} bins[/]\n")
    for what, value in _facts(state):
        console.print(f"  {what:<22}{value}")
    if alert is not None:
        _show_alert(alert)


@app.command()
def pages(as_json: _Json = False) -> None:
    """Pages of each app in the last 90 days, beside the false ones that its policy allows. From the store."""
    from streams.stack.attachment import attached_settings
    from streams.store.client import Store
    from streams.store.sql import query

    with Store.of(attached_settings()) as store:
        rows = list(store.select(query("pages")))
    if as_json:
        for row in rows:
            sys.stdout.write(json.dumps(row, default=str) + "\n")
        return
    told = [
        (row["app"], row["pages"], row["open"], f"{row['latest']:%Y-%m-%d %H:%M}", f"{row['budget']:g}") for row in rows
    ]
    show("Pages in 90 days", ("app", "pages", "open", "latest", "false ones allowed"), told)


@app.command()
def export(of: _App = None) -> None:
    """Write series with their past as JSON lines, to be the WEIR_MONITOR_REFERENCE of an installation without one.

    No text is in it: sums, shares of segments, and ids of verdicts.
    """
    from streams.monitor.reference import exported
    from streams.monitor.standing import read_standing
    from streams.stack.attachment import attached_settings

    for state in read_standing(attached_settings()).of(of):
        sys.stdout.write(exported(state).model_dump_json() + "\n")


def _doing(state: "SeriesState", alert: "Alert | None") -> str:
    if alert is not None and alert.state in {"firing", "no_data"}:
        return f"[bold red]{alert.state}[/]" if alert.state == "firing" else "[yellow]no data[/]"
    if state.phase == "learning":
        waits = " (too few conversations)" if state.learnt >= 1 else ""
        return f"learning, {state.learnt:.0%}{waits}"
    return "[yellow]in doubt[/]" if alert is not None else state.phase


def _evidence(state: "SeriesState") -> str:
    last = state.closed[-1].evidence if state.closed else None
    if last is None or state.threshold is None:
        return ""
    share = last / state.threshold
    return f"{share:.1%}" if share < _PLENTY else f"over {_PLENTY:.0%}"


def _number(value: float | None, sign: str = "") -> str:
    return "" if value is None else f"{sign}{value:.4f}"


def _spark(values: Sequence[float], low: float | None = None, high: float | None = None) -> str:
    floor = min(values) if low is None else low
    span = ((max(values) if high is None else high) - floor) or 1.0
    places = (min(len(_BARS) - 1, max(0, int((value - floor) / span * len(_BARS)))) for value in values)
    return "".join(_BARS[place] for place in places)


def _moment(number: int, bin_seconds: float) -> str:
    return f"{datetime.fromtimestamp(number * bin_seconds, UTC):%Y-%m-%d %H:%M}"


def _reading(progress: "Sequence[MonitorProgress]") -> str:
    closed = [each.closed for each in progress if each.closed is not None]
    if not closed or len(closed) < len(progress):
        return "[dim]no bin has been closed yet[/]"
    partitions = [partition for each in progress for partition in each.partitions]
    late, repeated = (sum(getattr(each, name) for each in partitions) for name in ("late", "repeated"))
    seconds = progress[0].bin_seconds
    upto = _moment(min(closed) + 1, seconds)
    return f"[dim]closed up to {upto} UTC, bins of {seconds:g} s; {late:,} late, {repeated:,} repeated[/]"


def _facts(state: "SeriesState") -> list[tuple[str, str]]:
    if state.level is None or state.threshold is None:
        need = "a reference, and 100 conversations in it, before anything can page"
        return [("learnt", f"{state.learnt:.0%} of {need}")]
    return [
        ("level", f"{state.level:.4f}"),
        ("margin", f"±{state.margin or 0:.4f}, within which the fast lane's promise is proven"),
        ("evidence", f"{_evidence(state)} of what pages, were all series like it"),
        ("sees in a week", f"a rise of {state.visible_shift or 0:.4f} as likely as not"),
    ]


def _show_alert(alert: "Alert") -> None:
    console = output()
    console.print(f"\n[bold]{alert.alertname}[/] {alert.state} since {alert.since:%Y-%m-%d %H:%M} ({alert.severity})")
    console.print(f"  {alert.summary}")
    if alert.began is not None:
        began = alert.began
        console.print(
            f"  began {began.likeliest:%Y-%m-%d %H:%M}, from {began.earliest:%m-%d %H:%M} to {began.latest:%m-%d %H:%M}"
        )
    rows = [
        (part.dimension, part.segment, f"{part.within:+.4f}", f"{part.mix:+.4f}", part.events) for part in alert.parts
    ]
    if rows:
        show("What moved", ("", "segment", "its own rate", "its share of traffic", "events"), rows)
    for example in alert.examples:
        console.print(f"  example {example}")
