"""``python -m tests.fuzz.guided TARGET RUNS [SEED]``: the same targets, with inputs that coverage leads to.

Wants `atheris` (``pip install atheris``), which has no place in the lock: nothing else needs it. New inputs that reach
new code are kept in a folder of the run's own and go with it; what fails is written to ``crash-…`` and told.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["schemas", "guards", "streams.local", "models.windows", "yaml"]):
    from tests.fuzz.__main__ import CORPUS
    from tests.fuzz.targets import TARGETS


def main(name: str, runs: str, seed: str = "1") -> None:
    """Fuzz one target; the process ends with another status than 0 where something failed."""
    with tempfile.TemporaryDirectory(prefix="weir-fuzz-") as found:
        target = TARGETS[name]()
        options = [f"-runs={runs}", f"-seed={seed}", "-max_len=4096", f"-artifact_prefix={Path.cwd()}/"]
        atheris.Setup([sys.argv[0], *options, found, str(CORPUS / name)], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
