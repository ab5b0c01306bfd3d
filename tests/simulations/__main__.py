"""Long simulations behind docs/statistics.md: ``python -m tests.simulations NAME``, results in build/simulations.

``runs`` days to a false page · ``clean`` 50 clean series at a time · ``apps`` the mean alarm · ``delays`` hours from
shift to page, beside the rivals · ``coverage`` maps of the intervals · ``changes`` cover of onset sets and reviewer
corrections · ``traps`` what goes wrong without a part · ``topics`` new kinds of text, from a folder of data (a second
argument) · ``years`` clean years of the series about topics · ``plots`` draws docs/plots from the rest.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.simulations.changes import changes
from tests.simulations.coverage import maps
from tests.simulations.delays import compared
from tests.simulations.null import app_clean, clean, runs_to_first
from tests.simulations.plots import draw
from tests.simulations.topics import new_kinds
from tests.simulations.traps import traps
from tests.simulations.years import years

OUT = Path("build/simulations")


def _clean() -> list:
    return [clean(0.2, 40), clean(0.1, 40), clean(0.1, 10, 365)]


def _runs() -> list:
    return [runs_to_first(0.2, days=270)]


def _plots() -> list[str]:
    return draw(OUT)


COMMANDS: dict[str, Callable[[], object]] = {
    "clean": _clean,
    "apps": app_clean,
    "runs": _runs,
    "delays": compared,
    "coverage": maps,
    "changes": changes,
    "traps": traps,
    "topics": lambda: new_kinds(Path(sys.argv[2])),
    "years": lambda: years(OUT),
    "plots": _plots,
}


def main(name: str) -> None:
    start = time.time()
    result = COMMANDS[name]()
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    sys.stdout.write(f"{name}: {time.time() - start:.0f} s, {OUT / name}.json\n{json.dumps(result)[:1500]}\n")


if __name__ == "__main__":
    main(sys.argv[1])
