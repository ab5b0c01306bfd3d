"""What a dashboard is: its panels in rows, its variables, and the text of its queries."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models

from deploy.grafana.panel import Gauges, Panel, build_panel
from deploy.grafana.source import STORE

SQL: Final = Path(__file__).parent / "sql"
_COLUMNS: Final = 24


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable that offers what is stored; ``columns`` says which column it narrows, by condition."""

    name: str
    label: str
    about: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A variable that is typed, or filled in by a link."""

    name: str
    label: str
    about: str
    default: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. ``uid`` is part of its address and never changes. Rows fill 24 columns each.

    In the text of a query ``{live}`` stands for what narrows live verdicts: the time range and what is chosen. The
    names are those of ``CONDITIONS``.
    """

    uid: str
    title: str
    about: str
    rows: tuple[tuple[Panel, ...], ...]
    variables: tuple[Choice | Entry, ...] = ()
    span: str = "now-24h"

    @property
    def panels(self) -> Iterator[Panel]:
        """Every panel, from the top."""
        return (panel for row in self.rows for panel in row)

    def sql(self, panel: Panel) -> str:
        """The query of a panel with its conditions written out; empty where the panel asks Prometheus."""
        return "" if isinstance(panel, Gauges) else self.expand(_read(panel.query))

    def expand(self, text: str) -> str:
        """The text with the board's own conditions in it."""
        return re.sub(r"\{(\w+)\}", lambda match: self._condition(match[1]), text)

    def _condition(self, name: str) -> str:
        chosen = [
            f"$__conditionalAll({each.columns[name]} IN (${{{each.name}:sqlstring}}), ${each.name})"
            for each in self.variables
            if isinstance(each, Choice) and name in each.columns
        ]
        return "\n    AND ".join([CONDITIONS[name], *chosen])

    def build(self) -> models.Dashboard:
        """The dashboard as Grafana has it."""
        builder = (
            dashboard.Dashboard(self.title)
            .uid(self.uid)
            .description(self.about)
            .tags(["weir"])
            .readonly()
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .time(self.span, "now")
            .timezone("browser")
            .refresh("1m")
            .version(1)
            .link(
                dashboard.DashboardLink("Weir")
                .type(models.DashboardLinkType.DASHBOARDS)
                .tags(["weir"])
                .as_dropdown(as_dropdown=False)
                .include_vars(include_vars=True)
                .keep_time(keep_time=True)
            )
        )
        for variable in self.variables:
            builder = builder.with_variable(_choice(variable) if isinstance(variable, Choice) else _entry(variable))
        for number, (panel, place) in enumerate(self._placed(), 1):
            builder = builder.with_panel(build_panel(panel, number, place, self.sql(panel)))
        return builder.build()

    def _placed(self) -> Iterator[tuple[Panel, models.GridPos]]:
        """Every panel and its place, row under row."""
        top = 0
        for row in self.rows:
            left = 0
            for panel in row:
                yield panel, models.GridPos(h=panel.height, w=panel.width, x=left, y=top)
                left += panel.width
            if left != _COLUMNS:
                raise ValueError(f"{self.uid}: a row is {left} columns wide, not {_COLUMNS}")
            top += max(panel.height for panel in row)


CONDITIONS: Final[Mapping[str, str]] = {
    "live": "$__timeFilter(source_time) AND run = 'live'",
    "found": "$__timeFilter(source_time) AND run = 'live'",
    "replied": "$__timeFilter(log_time) AND final",
    "dead": "$__timeFilter(log_time)",
    "ledger": "$__timeFilter(source_time)",
    "settled": "$__timeFilter(source_time)",
    "reviewed": "$__timeFilter(opened_at)",
    "labelled": "$__timeFilter(labelled_at)",
    "said": "$__timeFilter(source_time)",
    "estimated": "$__timeFilter(period_end)",
    "binned": "$__timeFilter(bin_start)",
    "alarmed": "$__timeFilter(updated_at)",
}
"""What narrows each view before a board's variables do."""

APP: Final = Choice(
    "app",
    "App",
    "Applications seen in the time range.",
    {"live": "app", "found": "app", "replied": "app", "settled": "app", "reviewed": "app"}
    | dict.fromkeys(("labelled", "said", "estimated", "binned", "alarmed"), "app"),
)
STAGE: Final = Choice(
    "stage",
    "Stage",
    "Stages seen in the time range: observe for interactions, screen and judge for requests.",
    {"live": "stage", "found": "stage", "dead": "stage", "ledger": "stage"},
)
MODEL: Final = Choice(
    "model", "Model", "Models that answered, as far as they are known.", {"live": "model", "found": "model"}
)
LANGUAGE: Final = Choice(
    "language", "Language", "Languages of prompts, ISO 639; empty where it cannot be told.", {"live": "prompt_language"}
)


def _read(query: str) -> str:
    return (SQL / f"{query}.sql").read_text(encoding="utf-8").strip()


def _choice(variable: Choice) -> dashboard.QueryVariable:
    column = variable.columns["live"]
    query = f"SELECT DISTINCT toString({column}) AS {variable.name} FROM v_verdicts WHERE $__timeFilter(source_time) ORDER BY 1"  # noqa: E501, S608 - a column of ours
    return (
        dashboard.QueryVariable(variable.name)
        .label(variable.label)
        .description(variable.about)
        .datasource(STORE)
        .query(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def _entry(variable: Entry) -> dashboard.TextBoxVariable:
    return (
        dashboard.TextBoxVariable(variable.name)
        .label(variable.label)
        .description(variable.about)
        .default_value(variable.default)
        .current(models.VariableOption(text=variable.default, value=variable.default))
    )
