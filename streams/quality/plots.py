"""Curves as pictures: ROC, precision over recall, reliability. Needs the extra ``plots``."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, TypeAlias

from monitors.ranking import precision_recall_curve, roc_curve
from schemas.errors import Code, ConfigError
from streams.quality.report import Labelling

Format = Literal["svg", "png"]
Draw: TypeAlias = Callable[[Any, Labelling], None]


def write_plots(labelling: Labelling, folder: Path, form: Format = "svg") -> list[Path]:
    """Write the pictures of a label that has both kinds; the files' names say label, side and kind.

    Raises:
        ConfigError: matplotlib is not installed, or the folder cannot be written.
    """
    figure = _matplotlib().Figure
    bad, good = labelling.scores()
    if not len(bad) or not len(good):
        return []
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, draw in {"roc": _roc, "pr": _precision_recall, "reliability": _reliability}.items():
            canvas = figure(figsize=(4, 4), layout="constrained")
            axes = canvas.subplots()
            draw(axes, labelling)
            axes.set(title=f"{labelling.label}, {labelling.side}", xlim=(0, 1), ylim=(0, 1.02))
            axes.grid(alpha=0.3)
            path = folder / f"{labelling.label}-{labelling.side}-{name}.{form}"
            canvas.savefig(path, metadata={"Date": None} if form == "svg" else None)
            written.append(path)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}", field="plots") from None
    return written


def write_reliability(name: str, bins: Sequence[Mapping[str, float]], folder: Path) -> Path:
    """Draw a model card's reliability table: the share of positive texts over the mean score, by bin.

    Raises:
        ConfigError: matplotlib is not installed, or the folder cannot be written.
    """
    canvas = _matplotlib().Figure(figsize=(4, 4), layout="constrained")
    axes = canvas.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linestyle=":")
    axes.plot([each["mean_score"] for each in bins], [each["share"] for each in bins], marker="o")
    axes.set(title=name, xlabel="mean score", ylabel="share of positive texts", xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    path = folder / f"{name}-reliability.svg"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        canvas.savefig(path, metadata={"Date": None})
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}", field="plots") from None
    return path


def _matplotlib() -> ModuleType:
    try:
        import matplotlib.figure  # noqa: PLC0415 - an extra
    except ImportError:
        message = "plots need matplotlib: pip install 'weir[plots]'"
        raise ConfigError(message, code=Code.CONFIG, field="plots") from None
    return matplotlib.figure


def _roc(axes: Any, labelling: Labelling) -> None:  # noqa: ANN401 - matplotlib is not typed for us
    curve = roc_curve(*labelling.scores())
    axes.plot([0, 1], [0, 1], color="0.7", linestyle=":")
    axes.step(curve.x, curve.y, where="post")
    axes.set(xlabel="false-positive rate", ylabel="recall")


def _precision_recall(axes: Any, labelling: Labelling) -> None:  # noqa: ANN401 - as above
    curve = precision_recall_curve(*labelling.scores())
    axes.step(curve.x, curve.y, where="pre")
    axes.set(xlabel="recall", ylabel="precision")


def _reliability(axes: Any, labelling: Labelling) -> None:  # noqa: ANN401 - as above
    found = labelling.reliability().bins
    shares = [each.bad.value or 0.0 for each in found]
    reach = [
        [share - each.bad.interval.low for share, each in zip(shares, found, strict=True)],
        [each.bad.interval.high - share for share, each in zip(shares, found, strict=True)],
    ]
    axes.plot([0, 1], [0, 1], color="0.7", linestyle=":")
    axes.errorbar([each.mean_score for each in found], shares, yerr=reach, marker="o", capsize=2)
    axes.set(xlabel="mean score", ylabel="share of bad texts")
