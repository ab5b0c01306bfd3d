"""What a panel is: plain records, and how the SDK's builders are made of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from grafana_foundation_sdk.builders import common, dashboard, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as models

from deploy.grafana.source import METRICS, STORE, MetricsQuery, StoreQuery

NOTHING: Final = "Nothing in this time range"
COLOURS: Final[Mapping[str, str]] = {
    # What an action means has one colour on every board.
    "allow": "#5a9e6f", "flag": "#e0b400", "redact": "#5794f2", "hold": "#b877d9", "block": "#d44a3a",
    "flagged": "#e0b400", "redacted": "#5794f2", "held": "#b877d9", "blocked": "#d44a3a",
    "answered": "#5a9e6f", "positive": "#5a9e6f", "neutral": "#8e8e8e", "negative": "#d44a3a",
    "delivered": "#5a9e6f", "withheld": "#d44a3a", "error": "#8e8e8e", "dead": "#d44a3a",
    "judged": "#5a9e6f",
}  # fmt: skip

Step: TypeAlias = tuple[float, str]
"""From this value on, this colour."""


@dataclass(frozen=True, slots=True)
class Column:
    """How a column of a table looks: its title, unit, width in pixels, and where a click on it leads."""

    title: str
    unit: str = "string"
    width: int | None = None
    decimals: int | None = None
    link: str | None = None
    bar: bool = False


@dataclass(frozen=True, slots=True)
class Stat:
    """One number. ``query`` names a file of ``sql/``; its first row's only column is shown."""

    title: str
    about: str
    query: str
    unit: str
    steps: tuple[Step, ...] = ()
    decimals: int | None = None
    width: int = 4
    height: int = 4


@dataclass(frozen=True, slots=True)
class Series:
    """Lines over time: a number a column, or, with ``by``, one number and the column that names its series."""

    title: str
    about: str
    query: str
    unit: str
    by: str | None = None
    bars: bool = False
    ceiling: float | None = None
    width: int = 12
    height: int = 8


@dataclass(frozen=True, slots=True)
class Gauges:
    """Lines over time from Prometheus: PromQL and the name of its series, a pair a query."""

    title: str
    about: str
    expressions: tuple[tuple[str, str], ...]
    unit: str
    width: int = 12
    height: int = 8


@dataclass(frozen=True, slots=True)
class Table:
    """Rows. Columns that are not described keep their names."""

    title: str
    about: str
    query: str
    columns: Mapping[str, Column] = field(default_factory=dict)
    width: int = 24
    height: int = 9


Panel: TypeAlias = Stat | Series | Gauges | Table
_REFERENCES: Final = "ABCDEFGH"


def build_panel(panel: Panel, number: int, place: models.GridPos, sql: str) -> Builder[models.Panel]:
    """The SDK's builder of a panel. ``sql`` is empty for one that asks Prometheus."""
    builder: stat.Panel | timeseries.Panel | table.Panel
    match panel:
        case Stat():
            builder = _stat(panel, sql)
        case Series():
            builder = _series(panel, sql)
        case Gauges():
            builder = _gauges(panel)
        case Table():
            builder = _table(panel, sql)
    return builder.id(number).title(panel.title).description(panel.about).grid_pos(place).no_value(NOTHING)


def _stat(panel: Stat, sql: str) -> stat.Panel:
    steps = panel.steps or ((0.0, "text"),)
    thresholds = dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(
        [models.Threshold(None if at == 0 else at, colour) for at, colour in steps]
    )  # fmt: skip
    calculation = common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False)
    builder = (
        stat.Panel()
        .datasource(STORE)
        .unit(panel.unit)
        .thresholds(thresholds)
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .reduce_options(calculation)
        .with_target(StoreQuery(sql, "table"))
    )
    return builder if panel.decimals is None else builder.decimals(panel.decimals)


def _lines(panel: Series | Gauges) -> timeseries.Panel:
    return (
        timeseries.Panel()
        .unit(panel.unit)
        .min(0)
        .line_width(1.5)
        .show_points(kinds.VisibilityMode.AUTO)
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.DESCENDING))
        .legend(
            common.VizLegendOptions()
            .display_mode(kinds.LegendDisplayMode.LIST)
            .placement(kinds.LegendPlacement.BOTTOM)
            .show_legend(show_legend=True)
        )
    )


def _series(panel: Series, sql: str) -> timeseries.Panel:
    builder = _lines(panel).datasource(STORE).with_target(StoreQuery(sql, "timeseries"))
    if panel.by is not None:
        builder = builder.display_name(f"${{__field.labels.{panel.by}}}")
    if panel.ceiling is not None:
        builder = builder.max(panel.ceiling)
    if panel.bars:
        stacked = common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A")
        builder = builder.draw_style(kinds.GraphDrawStyle.BARS).fill_opacity(80).line_width(0).stacking(stacked)
    else:
        builder = builder.fill_opacity(8)
    for name, colour in COLOURS.items():
        if panel.by in {"by_status", "by_code"} or f" AS {name}" in sql:
            fixed = models.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})
            builder = builder.override_by_regexp(f"^{name}$", [fixed])
    return builder


def _gauges(panel: Gauges) -> timeseries.Panel:
    builder = _lines(panel).datasource(METRICS).fill_opacity(8)
    for reference, (expression, legend) in zip(_REFERENCES, panel.expressions, strict=False):
        builder = builder.with_target(MetricsQuery(expression, legend, reference))
    return builder


def _table(panel: Table, sql: str) -> table.Panel:
    builder = table.Panel().datasource(STORE).unit("string").filterable(filterable=True)
    builder = builder.with_target(StoreQuery(sql, "table")).cell_height(kinds.TableCellHeight.SM)
    for name, column in panel.columns.items():
        builder = builder.override_by_name(name, list(_column(column)))
    return builder


def _column(column: Column) -> tuple[models.DynamicConfigValue, ...]:
    wanted: dict[str, object] = {"displayName": column.title, "unit": column.unit}
    if column.width is not None:
        wanted["custom.width"] = column.width
    if column.decimals is not None:
        wanted["decimals"] = column.decimals
    if column.link is not None:
        wanted["links"] = [{"title": f"Open {column.title.lower()}", "url": column.link}]
    if column.bar:
        wanted["custom.cellOptions"] = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
    return tuple(models.DynamicConfigValue(name, value) for name, value in wanted.items())
