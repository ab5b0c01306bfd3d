"""``make fuzz INPUTS=n SEED=s``: so many inputs for each target; 1 if any raised what it should not, with the input."""

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.fuzz.mutation import mutated
from tests.fuzz.targets import TARGETS, Target

CORPUS: Final = Path(__file__).with_name("corpus")


def main(arguments: list[str]) -> int:
    """Fuzz, print a line of JSON for each target, and write what failed beside the corpus's seeds."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=25_000, help="inputs for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--targets", nargs="*", default=list(TARGETS), choices=list(TARGETS))
    chosen = parser.parse_args(arguments)
    clean = True
    for name in chosen.targets:
        begun = time.monotonic()
        failures = fuzz(TARGETS[name](), seeds(name), chosen.inputs, chosen.seed)
        for error, data in failures.items():
            (CORPUS / name / f"failed-{error}").write_bytes(data)
        result = {"target": name, "inputs": chosen.inputs, "seed": chosen.seed, "failures": sorted(failures)}
        sys.stdout.write(json.dumps({**result, "seconds": round(time.monotonic() - begun, 1)}) + "\n")
        clean = clean and not failures
    return 0 if clean else 1


def seeds(name: str) -> Sequence[bytes]:
    """The corpus of a target: what inputs are made of, and what once failed."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


def fuzz(target: Target, corpus: Sequence[bytes], inputs: int, seed: int) -> dict[str, bytes]:
    """The first input of each kind of failure, by the error and where it was raised."""
    chance, failures = random.Random(seed), {}
    for _ in range(inputs):
        data = mutated(corpus, chance)
        try:
            target(data)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            at = error.__traceback__
            while at and at.tb_next:
                at = at.tb_next
            place = f"{Path(at.tb_frame.f_code.co_filename).stem}-{at.tb_lineno}" if at else "nowhere"
            failures.setdefault(f"{type(error).__name__}-{place}", data)
    return failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
