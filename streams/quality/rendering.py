"""Figures as cells of tables."""

from collections.abc import Iterable

from monitors.intervals import Estimate
from streams.quality.report import Quality
from streams.quality.scoring import Example

COLUMNS = ("label", "side", "group", "bad", "good", "AUC", "AP", "recall at 1%", "recall at 5%", "by the policy")
ERROR_COLUMNS = ("line", "score", "masked text")


def figure(estimate: Estimate) -> str:
    """Such as ``.95 (.93-.97)``; a dash where the sample says nothing."""
    if estimate.value is None:
        return "-"
    low, high = estimate.interval.low, estimate.interval.high
    return f"{_short(estimate.value)} ({_short(low)}-{_short(high)})"


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0") if value < 1 else "1"


def row(quality: Quality) -> tuple[object, ...]:
    """One line of the table of figures."""
    passed = "; ".join(_passed(p.action, p.recall, p.false_alarms) for p in quality.passed)
    figures = (quality.area, quality.average_precision, quality.recall_at_1, quality.recall_at_5)
    label = quality.label if not quality.failed else f"{quality.label} ({quality.failed} not judged)"
    return (label, quality.side, quality.group, quality.bad, quality.good, *map(figure, figures), passed)


def _passed(action: str, recall: Estimate, alarms: Estimate) -> str:
    parts = [f"found {figure(recall)}"] if recall.value is not None else []
    parts += [f"false {figure(alarms)}"] if alarms.value is not None else []
    return f"{action}: {', '.join(parts)}"


def error_rows(examples: Iterable[Example]) -> list[tuple[object, ...]]:
    """Line numbers, scores and masked texts on one line."""
    return [(e.number, f"{e.value:.4f}", " ".join(e.excerpt.split())) for e in examples if e.value is not None]
