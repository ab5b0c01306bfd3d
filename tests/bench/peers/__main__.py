"""``make bench-peers``: other libraries and ours on the same texts, on one thread. ``python -m tests.bench.peers OUT``.

They run in an environment of their own (``.venv-peers``, see ``foreign.py``), with random weights of the architectures
that they use: that tells speed, and nothing else. Ours runs the same architecture in its own windows and batches.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.figure import Figure
from tests.bench.peers.corpus import pairs

_FOREIGN = Path(__file__).parent / "foreign.py"
_PYTHON = Path(".venv-peers/bin/python")
_BUILD = Path("build/peers")
_SAME = {"llm-guard: toxicity, RoBERTa-base": "ours: toxicity, RoBERTa-base"}
"""Cases of theirs and of ours that run the same architecture."""


def _measure(python: str, script: list[str], case: str) -> dict[str, float] | None:
    """What one process says of a case; None when it cannot run it."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [python, *script, case, str(_BUILD)], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        sys.stderr.write(f"{case}: left out: {(done.stderr.strip().splitlines() or ['no reason'])[-1]}\n")
        return None
    return json.loads(done.stdout.splitlines()[-1])


def main(out: Path) -> None:
    """Measure every case that can run here, print a table, write JSON."""
    if not _PYTHON.exists():
        sys.exit(f"{_PYTHON} is missing: docs/performance.md has how to make it")
    _BUILD.mkdir(parents=True, exist_ok=True)
    (_BUILD / "pairs.json").write_text(json.dumps(pairs()))
    cases = {case: (str(_PYTHON), [str(_FOREIGN)]) for case in _names(_FOREIGN)}
    ours = Path(__file__).parent / "ours.py"
    cases |= {case: (sys.executable, ["-m", "tests.bench.peers.ours"]) for case in _names(ours)}
    figures: dict[str, Figure] = {}
    table = Table("case", "pairs/CPU s", "p50 CPU ms a pair", "p99", "RSS MB", "start CPU s")
    for case, (python, script) in cases.items():
        found = _measure(python, script, case)
        if found:
            figures[case] = Figure(case, found["pairs_per_cpu_second"], "pairs/CPU s")
            numbers = (found[key] for key in ("pairs_per_cpu_second", "p50_ms", "p99_ms", "rss_mb", "start_seconds"))
            table.add_row(case, *(f"{number:,.3g}" for number in numbers))
    figures |= {
        mine: figures[mine].against(figures[his]) for his, mine in _SAME.items() if {his, mine} <= figures.keys()
    }
    console = Console(highlight=False, width=120)
    console.print(table)
    for figure in figures.values():
        if figure.ratio:
            console.print(f"{figure.name}: {figure.ratio:.1f} times {figure.ratio_to}")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps([asdict(figure) for figure in figures.values()], indent=2) + "\n")


def _names(script: Path) -> list[str]:
    """The cases that a script has: the keys of its CASES, without importing what it imports."""
    lines = script.read_text().partition("CASES = {")[2].partition("}")[0].splitlines()
    return [line.split('"')[1] for line in lines if '"' in line]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
