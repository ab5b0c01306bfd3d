"""``make bench``: measures in one run, prints a table, writes JSON. ``python -m tests.bench OUT.json [PART...]``.

Speeds are per second of CPU where that says more than the clock: these machines are shared.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.crowd import crowd_figures
from tests.bench.figure import Figure
from tests.bench.guards import guard_figures
from tests.bench.inference import inference_figures
from tests.bench.latency import latency_figures
from tests.bench.lengths import length_figures
from tests.bench.path import path_figures
from tests.bench.pieces import piece_figures
from tests.bench.serving import serving_figures
from tests.bench.threads import thread_figures
from tests.bench.transactions import transaction_figures

_PARTS = {
    "guards": guard_figures,
    "threads": thread_figures,
    "path": path_figures,
    "latency": latency_figures,
    "transactions": transaction_figures,
    "inference": inference_figures,
    "lengths": length_figures,
    "crowd": crowd_figures,
    "pieces": piece_figures,
    "serving": serving_figures,
}


def main(out: Path, parts: Sequence[str]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 120
    figures: list[Figure] = []
    for measure in (_PARTS[name] for name in parts or _PARTS):
        with console.status(f"measuring: {measure.__doc__}"):
            figures += measure()
    title = f"{figures[0].machine}, {figures[0].date}"
    table = Table("figure", "value", "unit", "ratio", "to", "load", title=title)
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        table.add_row(
            figure.name, f"{figure.value:,.4g}", figure.unit, ratio, figure.ratio_to or "", f"{figure.load:g}"
        )
    console.print(table)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")
    console.print(f"written to {out}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
