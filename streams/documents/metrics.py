"""The page of metrics, from their one typed home."""

from collections.abc import Iterable

from prometheus_client import Histogram
from prometheus_client.metrics import MetricWrapperBase

from streams.documents.markdown import table
from streams.metrics import Metrics


def metrics_page() -> str:
    """Every metric: its type, its labels and what it says."""
    lines = [
        "# Metrics",
        "",
        (
            "Made from `streams/metrics.py` by `make docs`. Every process has them at `/metrics` of its own port "
            "(`weir status --json`; 9100 in containers), beside `/health` and `/ready`. Labels hold names from "
            "policies, topics and code, never a word of a user. A counter's name ends with `_total` on the page; a "
            "histogram has `_bucket`, `_sum` and `_count`. Rules and alerts over them: [runbooks](../runbooks.md)."
        ),
        "",
        *table(("Metric", "Type", "Labels", "Meaning"), (_row(metric) for metric in _all(Metrics()))),
    ]
    return "\n".join([*lines, ""])


def _all(metrics: Metrics) -> Iterable[MetricWrapperBase]:
    return sorted((each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)), key=_name)


def _name(metric: MetricWrapperBase) -> str:
    (family,) = metric.describe()
    return family.name + ("_total" if family.type == "counter" else "")


def _row(metric: MetricWrapperBase) -> tuple[str, str, str, str]:
    (family,) = metric.describe()
    labels = ", ".join(f"`{label}`" for label in metric._labelnames)  # noqa: SLF001 - it tells them nowhere else
    meaning = family.documentation
    if isinstance(metric, Histogram):
        bounds = [bound for bound in metric._upper_bounds if bound != float("inf")]  # noqa: SLF001 - likewise
        meaning += f" Buckets from {bounds[0]:g} to {bounds[-1]:g}."
    return f"`{_name(metric)}`", family.type, labels, meaning
