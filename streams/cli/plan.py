"""``weir plan``: what some traffic needs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.tables import output, show

if TYPE_CHECKING:
    from streams.plan.profile import Profile


def plan(
    traffic: Annotated[
        Path | None, typer.Argument(help="A YAML file that says what comes: docs/capacity.md has one.")
    ] = None,
    profile: Annotated[Path | None, typer.Option(help="Rates of another machine, from --measure.")] = None,
    measure: Annotated[
        Path | None, typer.Option(help="Measure the guards here for half a minute, and write the rates there as JSON.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of text.")] = False,
) -> None:
    """Say how many processes, partitions and GPUs, and how much memory, disk, network and money some traffic needs.

    Every figure is likely, with the least and the most that the measured rates allow; what is assumed is said.
    """
    import json
    from dataclasses import asdict

    from streams.plan.plan import make_plan
    from streams.plan.profile import read_profile, shipped_profile, write_profile
    from streams.plan.rendering import lines, rows
    from streams.plan.traffic import read_traffic

    if measure is not None:
        write_profile(_measured(), measure)
        typer.echo(f"written to {measure}", err=True)
        profile = profile or measure
    if traffic is None:
        if measure is None:
            raise typer.BadParameter("name a file with traffic, or --measure", param_hint="TRAFFIC")
        return
    rates = shipped_profile() if profile is None else read_profile(profile)
    made = make_plan(read_traffic(traffic), rates)
    if as_json:
        typer.echo(json.dumps(asdict(made) | {"profile": asdict(rates)}, indent=2))
        return
    title = f"Plan, with rates of {rates.machine}, {rates.date}"
    show(title, ("process", "processes", "cores", "memory", "GPUs", "because of"), rows(made))
    output().print("\n".join(lines(made)))


def _measured() -> "Profile":
    from streams.judging.loading import load_pipeline
    from streams.plan.profile import measured
    from streams.policies.files import shipped_policy
    from streams.settings import load_settings

    return measured(load_pipeline(load_settings()), shipped_policy())
