"""Draw every dashboard as Grafana lays it out, from a store's answers: ``python -m tests.deploy.pictures DIRECTORY``.

Grafana itself is not asked: a picture shows what a panel's query answers on a day of made-up traffic, not how Grafana
would colour it. Panels that ask Prometheus show their expression.
"""

import os
import re
import sys
import textwrap
import time
import uuid
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.patches import FancyBboxPatch

from tests.fixtures.dashboards import DAY, answer, boards, expand, fill
from tests.fixtures.engine import connect, start_engine

COLUMN_IN, ROW_IN = 0.62, 0.36  # of one grid cell
PALETTE = ("#7eb26d", "#5794f2", "#e0b400", "#b877d9", "#ef843c", "#6ed0e0", "#e24d42", "#8e8e8e")
UNITS = {"percentunit": lambda v: f"{v:.2%}", "bytes": lambda v: f"{v / 1024:,.0f} KiB", "s": lambda v: f"{v:,.2f} s"}
INK, FAINT, PAPER, CARD = "#d8d9da", "#7b8087", "#111217", "#181b1f"


def draw(board, rows_of):
    """One figure; ``rows_of`` gives the rows of a panel."""
    height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in board["panels"])
    figure = plt.figure(figsize=(24 * COLUMN_IN, height * ROW_IN + 0.5), facecolor=PAPER)
    total = height * ROW_IN + 0.5
    figure.text(0.008, 1 - 0.3 / total, board["title"], color=INK, fontsize=13, va="center")
    for panel in board["panels"]:
        place = panel["gridPos"]
        x, w = place.get("x", 0) / 24, place["w"] / 24
        y, h = (height - place["y"] - place["h"]) * ROW_IN / total, place["h"] * ROW_IN / total
        card = FancyBboxPatch(
            (x + 0.002, y + 0.03 / total), w - 0.004, h - 0.06 / total, boxstyle="round,pad=0,rounding_size=0.002",
            transform=figure.transFigure, facecolor=CARD, edgecolor="#2c3235", linewidth=0.6, zorder=-1,
        )  # fmt: skip
        figure.add_artist(card)
        figure.text(x + 0.007, y + h - 0.2 / total, panel["title"], color=INK, fontsize=8.5, va="center", weight="bold")
        axes = figure.add_axes((x + 0.035, y + 0.42 / total, w - 0.048, h - 0.82 / total), facecolor=CARD)
        _DRAWN[panel["type"]](axes, panel, rows_of(panel))
    return figure


def _stat(axes, panel, rows):
    axes.axis("off")
    value = next(iter(rows[0].values())) if rows else None
    text = "-" if value is None else _written(value, panel["fieldConfig"]["defaults"]["unit"])
    axes.text(0.45, 0.45, text, color="#73bf69", fontsize=22, ha="center", va="center", transform=axes.transAxes)


def _written(value, unit):
    if isinstance(value, datetime):
        return f"{value:%H:%M:%S}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return UNITS[unit](value) if unit in UNITS else (f"{value:,}" if isinstance(value, int) else f"{value:.2f}")
    return "" if value is None else str(value)


def _timeseries(axes, panel, rows):
    axes.tick_params(colors=FAINT, labelsize=6.5, length=0)
    axes.grid(color="#2c3235", linewidth=0.5)
    for side in axes.spines.values():
        side.set_visible(False)
    if panel["datasource"]["type"] == "prometheus":
        axes.set_xticks([])
        axes.set_yticks([])
        expressions = "\n".join(textwrap.fill(t["expr"], int(panel["gridPos"]["w"] * 6)) for t in panel["targets"])
        axes.text(0.5, 0.5, f"from Prometheus\n\n{expressions}", color=FAINT, fontsize=6.5, ha="center", va="center",
                  transform=axes.transAxes, family="monospace")  # fmt: skip
        return
    series = {}
    label = next((name for name, value in rows[0].items() if isinstance(value, str)), None)
    for row in rows:
        for name, value in row.items():
            if name not in {"time", label}:
                points = series.setdefault(row[label] or "(none)" if label else name, ([], []))
                points[0].append(row["time"])
                points[1].append(value)
    colours = {
        re.sub(r"\W", "", each["matcher"]["options"]): each["properties"][0]["value"]["fixedColor"]
        for each in panel["fieldConfig"]["overrides"]
        if each["matcher"]["id"] == "byRegexp"
    }
    bars = panel["fieldConfig"]["defaults"]["custom"].get("drawStyle") == "bars"
    bottoms = {}
    for number, (name, (times, values)) in enumerate(sorted(series.items(), key=lambda item: str(item[0]))):
        colour = colours.get(name, PALETTE[number % len(PALETTE)])
        if bars:
            heights = [value or 0 for value in values]
            axes.bar(
                times, heights, width=1000 / DAY, color=colour, label=name, bottom=[bottoms.get(t, 0) for t in times]
            )
            for moment, value in zip(times, heights, strict=True):
                bottoms[moment] = bottoms.get(moment, 0) + value
        else:
            axes.plot(
                times, [float("nan") if v is None else v for v in values], color=colour, linewidth=1.1, label=name
            )
    if panel["fieldConfig"]["defaults"]["unit"] == "percentunit":
        axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0, decimals=0))
    axes.set_ylim(bottom=0, top=panel["fieldConfig"]["defaults"].get("max"))
    locator = AutoDateLocator(maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.1),
        ncols=max(2, panel["gridPos"]["w"] // 4),
        fontsize=6,
        frameon=False,
        labelcolor=INK,
    )


def _table(axes, panel, rows):
    axes.axis("off")
    described = {
        each["matcher"]["options"]: {prop["id"]: prop["value"] for prop in each["properties"]}
        for each in panel["fieldConfig"]["overrides"]
        if each["matcher"]["id"] == "byName"
    }
    names = list(rows[0])
    room = panel["gridPos"]["w"] * 62  # pixels
    fixed = {name: described.get(name, {}).get("custom.width") for name in names}
    rest = (room - sum(width or 0 for width in fixed.values())) / max(1, sum(width is None for width in fixed.values()))
    widths = [max(fixed[name] or rest, 45) for name in names]
    lines = max(1, int(panel["gridPos"]["h"] * ROW_IN / 0.2) - 4)
    edges = [sum(widths[:i]) / sum(widths) for i in range(len(names) + 1)]
    step = 1 / (lines + 1)
    for row_number, row in enumerate([None, *rows[:lines]]):
        y = 1 - (row_number + 0.5) * step
        for name, left, right in zip(names, edges, edges[1:], strict=False):
            config = described.get(name, {})
            text = config.get("displayName", name) if row is None else _written(row[name], config.get("unit", "string"))
            colour = "#6e9fff" if row is None or "links" in config else INK
            room_in = (right - left) * axes.get_position().width * axes.figure.get_figwidth()
            text = textwrap.shorten(text.replace("$", r"\$"), max(4, int(room_in * 16)), placeholder="…")
            axes.text(left - 0.02, y, text, color=colour, fontsize=6.5, va="center", transform=axes.transAxes)


_DRAWN = {"stat": _stat, "timeseries": _timeseries, "table": _table}


def main(directory):
    """Write a PNG for every dashboard."""
    directory.mkdir(parents=True, exist_ok=True)
    start = int(time.time()) // 3600 * 3600 - DAY
    with TemporaryDirectory() as home:
        process, plan = start_engine(Path(home), os.getpid())
        database = f"pictures_{uuid.uuid4().hex[:8]}"
        with connect(plan.url) as server:
            server.command(f"CREATE DATABASE {database}")
        with connect(plan.url, database=database) as client:
            fill(client, start)
            for name, board in boards().items():

                def rows_of(panel):
                    if panel["datasource"]["type"] == "prometheus":
                        return []
                    return answer(client, expand(panel["targets"][0]["rawSql"], start, start + DAY, seconds=1200))

                figure = draw(board, rows_of)
                figure.savefig(directory / f"{name}.png", dpi=100, facecolor=PAPER)
                plt.close(figure)
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    mpl.use("Agg")
    main(Path(sys.argv[1]))
