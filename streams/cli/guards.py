"""``weir guards``: how good the guards are on labelled texts, and thresholds from them."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas.policy import Policy
    from streams.quality.calibration import Picked, Wish
    from streams.quality.report import Labelling, Quality

app = typer.Typer(help="Measure the guards on labelled texts, and set thresholds.", no_args_is_help=True)

Labels = Annotated[Path, typer.Argument(help="JSON lines with labels, gzip or not.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="By default the one for a public chatbot.")]
Wanted = Annotated[list[str] | None, typer.Option("--label", help="Only this label; may be given again.")]
Confidence = Annotated[float, typer.Option(min=0.5, max=0.9999, help="How often intervals and promises hold.")]
Rate = Annotated[float | None, typer.Option(min=0.00001, max=0.5, help="Share of good texts that may be past it.")]


class PictureForm(StrEnum):
    """What pictures are written as."""

    SVG = "svg"
    PNG = "png"


@app.command()
def report(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    labels: Labels,
    policy: PolicyFile = None,
    label: Wanted = None,
    confidence: Confidence = 0.95,
    worst: Annotated[int, typer.Option(min=0, max=1000, help="How many of the worst errors to list.")] = 5,
    plots: Annotated[Path | None, typer.Option(help="Folder for ROC, PR and reliability plots.")] = None,
    form: Annotated[PictureForm, typer.Option("--format", help="Of the plots.")] = PictureForm.SVG,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print how well guards find what the labels say, with intervals.

    By label and side, then by `slice`, `language` and `source`; what the policy's thresholds find and flag in error;
    and the worst errors, masked. A line is one of `weir check` with `"labels": {"toxicity": 1}`; docs/calibration.md
    has more.

    `weir guards report labels.jsonl --plots plots`
    """
    from streams.quality.plots import write_plots
    from streams.quality.report import qualities, to_json

    chosen = _policy(policy)
    measured = [(each, list(qualities(each, chosen, confidence))) for each in _score(labels, chosen, label)]
    written = [path for each, _ in measured for path in (write_plots(each, plots, form.value) if plots else ())]
    if as_json:
        entries = [
            {"quality": list(map(to_json, figures)), "calibration_error": _error(each)} for each, figures in measured
        ]
        sys.stdout.write(json.dumps({"confidence": confidence, "labels": entries}) + "\n")
        return
    for each, figures in measured:
        _show(each, figures, confidence, worst)
    for path in written:
        typer.echo(path)


def _show(labelling: "Labelling", figures: "list[Quality]", confidence: float, worst: int) -> None:
    """One label on one side: its figures, and its worst errors."""
    from streams.cli.tables import show
    from streams.quality import rendering

    name, error = labelling.label, _error(labelling) or 0
    title = f"{name}, {labelling.side}: intervals of {confidence:.0%}, calibration error {error:.3f}"
    show(title, rendering.COLUMNS, map(rendering.row, figures), named_by=3)
    for kind, examples in zip(("missed", "false alarms"), labelling.worst(worst), strict=True):
        if examples:
            show(f"{name}: worst {kind}", rendering.ERROR_COLUMNS, rendering.error_rows(examples))


@app.command()
def calibrate(  # noqa: PLR0913, PLR0917 - as above
    labels: Labels,
    policy: PolicyFile = None,
    label: Wanted = None,
    flag: Rate = None,
    hold: Rate = None,
    block: Rate = None,
    cost: Annotated[
        float | None, typer.Option(min=0.001, help="Instead of --flag: a miss costs so many false alarms.")
    ] = None,
    bad_share: Annotated[float, typer.Option(min=0.00001, max=0.999, help="With --cost: of your traffic.")] = 0.01,
    confidence: Confidence = 0.95,
    out: Annotated[Path | None, typer.Option(help="Write the policy with these thresholds there.")] = None,
) -> None:
    """Pick thresholds from labelled texts of your own traffic, and write the policy that has them.

    `--flag 0.02 --block 0.001` picks the lowest thresholds that at most 2% and 0.1% of good traffic reach, promised
    with the confidence. Labels that are too few to promise it are named, with the number that is needed. The policy
    is fit for `weir check --policy`, `weir policy diff` and `weir policy push`. Exit status: 1 if nothing was picked.

    `weir guards calibrate labels.jsonl --flag 0.02 --out calibrated.yaml`
    """
    from monitors.thresholds import Costs
    from streams.cli.tables import show
    from streams.quality.calibration import COLUMNS, pick, row

    if flag is not None and cost is not None:
        raise typer.BadParameter("--flag and --cost both set the threshold to flag")
    wishes = _wishes(Costs(cost, 1.0, bad_share) if cost is not None else flag, hold, block)
    chosen = _policy(policy)
    picked = [each for labelling in _score(labels, chosen, label) for each in pick(labelling, wishes, confidence)]
    show(f"Thresholds, promised with {confidence:.0%}", COLUMNS, map(row, picked), named_by=3)
    if all(each.threshold is None for each in picked):
        raise typer.Exit(1)
    text = _calibrated(chosen, picked, confidence)
    if out is None:
        typer.echo("nothing written: say where with --out FILE")
        return
    _write(out, text)
    typer.echo(f"written to {out}: version {chosen.version + 1} of {chosen.id}")


def _wishes(flag: "Wish | None", hold: float | None, block: float | None) -> "dict[str, Wish]":
    """What is wanted of each action that a threshold is picked for."""
    named = {"flag": flag, "hold": hold, "block": block}
    wishes = {action: wish for action, wish in named.items() if wish is not None}
    if not wishes:
        raise typer.BadParameter("say what is wanted: --flag, --hold, --block or --cost")
    return wishes


def _calibrated(policy: "Policy", picked: "list[Picked]", confidence: float) -> str:
    """The policy's next version as a file, which says where its thresholds come from."""
    from datetime import UTC, datetime

    from streams.quality.calibration import patched

    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return patched(policy, picked, [f"Thresholds picked by weir guards calibrate, {today}, confidence {confidence:g}."])


def _write(out: Path, text: str) -> None:
    from schemas.errors import ConfigError

    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{out}: {error.strerror}", field="out") from None


def _policy(file: Path | None) -> "Policy":
    from streams.policies.files import read_policy, shipped_policy

    return read_policy(file) if file else shipped_policy()


def _score(labels: Path, policy: "Policy", wanted: list[str] | None) -> "list[Labelling]":
    from schemas.errors import ConfigError
    from streams.judging.loading import load_pipeline
    from streams.quality.labels import read_labels
    from streams.quality.report import labellings
    from streams.quality.scoring import score_lines
    from streams.settings import load_settings

    pipeline = load_pipeline(load_settings(), [policy])
    examples = score_lines(read_labels(labels, wanted), pipeline, policy, labels)
    found = labellings(examples)
    if not found:
        raise ConfigError(f"{labels}: no line has such a label", field="labels")
    return found


def _error(labelling: "Labelling") -> float | None:
    value = labelling.reliability().error
    return None if value != value else round(value, 6)  # noqa: PLR0124 - NaN, where nothing was judged
