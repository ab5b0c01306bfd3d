"""``weir alerts``: what the monitor has found, who was told, and who does not want to be."""

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from streams.cli.tables import output, show

app = typer.Typer(help="List alerts, take them on, silence them, and try who is told.", no_args_is_help=True)

_SPAN: Final = re.compile(r"(\d{1,6})([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
Fingerprint = Annotated[str, typer.Argument(help="The alert's fingerprint, or as much of it as tells it apart.")]
By = Annotated[str | None, typer.Option(help="Who says so; by default your account.")]
Reason = Annotated[str | None, typer.Option(help="Why, for whoever looks.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, one object a line.")]
For = Annotated[str, typer.Option("--for", help="How long, such as 30m, 2h or 7d.")]


@app.command("list")
def list_alerts(
    every: Annotated[bool, typer.Option("--all", help="Resolved ones and mere doubts too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is firing or has no data, the newest first. Exit status: 1 if anything is, for scripts."""
    from streams.notify.rendering import COLUMNS, row, to_json
    from streams.notify.standing import read_book
    from streams.stack.attachment import attached_settings

    book, now = read_book(attached_settings()), datetime.now(UTC)
    wanted = [known.alert for known in book.alerts if every or known.alert.state in {"firing", "no_data"}]
    alerts = sorted(wanted, key=lambda alert: alert.since, reverse=True)
    if as_json:
        sys.stdout.write("".join(json.dumps(to_json(book, alert, now)) + "\n" for alert in alerts))
    elif alerts:
        show("Alerts", COLUMNS, [row(book, alert, now) for alert in alerts], named_by=4)
    else:
        output().print("no alert" if every else "nothing is firing")
    raise typer.Exit(1 if any(alert.state in {"firing", "no_data"} for alert in alerts) else 0)


@app.command("show")
def show_alert(fingerprint: Fingerprint, as_json: AsJson = False) -> None:
    """Show all of one alert: what moved, since when, which segments explain it, and who was told."""
    from streams.notify.rendering import details, to_json
    from streams.notify.standing import find_alert, read_book
    from streams.stack.attachment import attached_settings

    book, now = read_book(attached_settings()), datetime.now(UTC)
    found = find_alert(book, fingerprint)
    if as_json:
        sys.stdout.write(json.dumps(to_json(book, found, now)) + "\n")
    else:
        output().print(details(book, found, now))


@app.command()
def ack(fingerprint: Fingerprint, by: By = None, reason: Reason = None, span: For = "7d") -> None:
    """Take an alert on: nobody is reminded of it while it stays as it is. Its end is told all the same."""
    from streams.account import account
    from streams.notify.standing import find_alert, new_silence, read_book, write_silence
    from streams.stack.attachment import attached_settings

    settings = attached_settings()
    found = find_alert(read_book(settings), fingerprint)
    matchers = {"fingerprint": found.fingerprint, "acknowledges": found.since, "reason": reason}
    write_silence(settings, new_silence(_span(span), account() if by is None else by, **matchers))
    output().print(f"{found.alertname} of {found.app} is taken", markup=False)


@app.command()
def silence(
    fingerprint: Annotated[str | None, typer.Argument(help="One alert; or name others by the options.")] = None,
    of_app: Annotated[str | None, typer.Option("--app", help="Of this app only.")] = None,
    alertname: Annotated[str | None, typer.Option(help="Of this name only, such as WeirNoTraffic.")] = None,
    severity: Annotated[str | None, typer.Option(help="Of this severity only: critical, warning, info.")] = None,
    span: For = "2h",
    reason: Reason = None,
) -> None:
    """Tell nobody of alerts that match all that is given, for a while. What still fires afterwards is told then."""
    from streams.account import account
    from streams.notify.standing import find_alert, new_silence, read_book, write_silence
    from streams.stack.attachment import attached_settings

    settings = attached_settings()
    one = None if fingerprint is None else find_alert(read_book(settings), fingerprint).fingerprint
    matchers = {"fingerprint": one, "app": of_app, "alertname": alertname, "severity": severity, "reason": reason}
    made = new_silence(_span(span), account(), **matchers)
    write_silence(settings, made)
    output().print(f"silence {str(made.silence_id)[:8]} until {made.ends_at:%Y-%m-%d %H:%M} UTC", markup=False)


@app.command()
def silences(
    end: Annotated[str | None, typer.Option(help="End this one now.", metavar="ID")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the silences that are in force, or end one."""
    from streams.notify.rendering import SILENCE_COLUMNS, silence_row
    from streams.notify.standing import ended, find_silence, read_book, write_silence
    from streams.stack.attachment import attached_settings

    settings = attached_settings()
    book, now = read_book(settings), datetime.now(UTC)
    if end is not None:
        write_silence(settings, ended(find_silence(book, end)))
        output().print("ended")
        return
    found = [each for each in book.silences if each.ends_at > now]
    if as_json:
        sys.stdout.write("".join(each.model_dump_json(exclude_none=True) + "\n" for each in found))
    elif found:
        show("Silences", SILENCE_COLUMNS, [silence_row(each) for each in found])
    else:
        output().print("nothing is silenced")


@app.command("test")
def try_out(
    of_app: Annotated[str, typer.Option("--app", help="In whose name.")] = "default",
    severity: Annotated[str, typer.Option(help="critical, warning or info.")] = "info",
    wait: Annotated[float, typer.Option(min=1, max=600, help="Seconds to wait for the targets.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Tell every target of an alert that is none, and of its end. Exit status: 1 if one was not reached in time."""
    from streams.notify.standing import try_targets
    from streams.stack.attachment import attached_settings

    notices = try_targets(attached_settings(), of_app, severity, wait)
    if as_json:
        sys.stdout.write("".join(each.model_dump_json(exclude_none=True) + "\n" for each in notices))
    elif notices:
        show("Told", ("target", "outcome", "reason"), [(n.target, n.outcome, n.reason or "") for n in notices])
    else:
        output().print(f"nobody was told in {wait:g} s: does `weir notify` run?")
    raise typer.Exit(0 if notices and all(each.outcome == "delivered" for each in notices) else 1)


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise typer.BadParameter("should be a number and m, h or d, such as 2h", param_hint="--for")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
