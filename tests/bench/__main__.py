"""``make bench``: measures in one run, prints a table, writes JSON. ``python -m tests.bench OUT.json [PART...]``.

Speeds are per second of CPU where that says more than the clock: these machines are shared.
"""

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.beginnings import beginning_figures
from tests.bench.crowd import crowd_figures
from tests.bench.figure import Figure
from tests.bench.guards import guard_figures
from tests.bench.inference import inference_figures
from tests.bench.latency import latency_figures
from tests.bench.lengths import length_figures
from tests.bench.monitor import monitor_figures
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
    "beginnings": beginning_figures,
    "crowd": crowd_figures,
    "pieces": piece_figures,
    "serving": serving_figures,
    "monitor": monitor_figures,
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


def _arguments() -> ArgumentParser:
    parts = "\n".join(f"  {name:<13} {measure.__doc__}" for name, measure in _PARTS.items())
    parser = ArgumentParser(
        "python -m tests.bench",
        description=f"Measure on this machine, print a table and write JSON. The parts:\n{parts}",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, help="the file for the figures, such as build/bench.json")
    parser.add_argument("parts", nargs="*", metavar="part", help="what to measure; all of it where none is named")
    return parser


if __name__ == "__main__":
    _parser = _arguments()
    _asked = _parser.parse_args()
    if _unknown := sorted(set(_asked.parts) - _PARTS.keys()):
        _parser.error(f"no such part: {', '.join(_unknown)}")
    main(_asked.out, _asked.parts)
