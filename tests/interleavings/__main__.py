"""``make interleavings NUMBER=n SEED=s``: so many random interleavings of what may happen to settle; 1 if any differs.

Each is a function of the seed and its number: up to 40 events (requests written and read, outcomes once or twice,
holds, decisions, cancels, time, crashes) in random order, then the end of all. After every event the replies are
compared with a plain account of the rules (``tests/fixtures/settle_reckoning.py``). Prints one line of JSON.
"""

import argparse
import hashlib
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from tests.fixtures import settle_reckoning as what

_FEWEST, _MOST = 4, 40
_WEIGHTS: Final = {"write": 5, "read": 5, "outcome": 6, "decide": 3, "cancel": 1, "wait": 3, "crash": 2}


@dataclass
class Result:
    """What came of a run. ``failures`` are the numbers of interleavings in which settle differed."""

    interleavings: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    replies: Counter[str] = field(default_factory=Counter)
    failures: list[int] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set, repr=False)

    @property
    def distinct(self) -> int:
        """How many of the interleavings differ from all others."""
        return len(self.seen)


def main(arguments: list[str]) -> int:
    """Run them, and say so in one line."""
    parser = argparse.ArgumentParser(prog="python -m tests.interleavings", description=__doc__)
    parser.add_argument("--number", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    begun = time.monotonic()
    result = run(chosen.number, chosen.seed)
    line = {
        "seed": chosen.seed, "interleavings": result.interleavings, "distinct": result.distinct,
        "events": sum(result.happened.values()), "crashes": result.happened["crash"],
        "replies": dict(sorted(result.replies.items())), "failures": result.failures,
        "seconds": round(time.monotonic() - begun, 1),
    }  # fmt: skip
    sys.stdout.write(json.dumps(line) + "\n")
    return 1 if result.failures else 0


def run(number: int, seed: int) -> Result:
    """The first so many interleavings of a seed."""
    result = Result()
    for each in range(number):
        chance = random.Random(f"{seed}/{each}")
        try:
            _interleave(chance, result)
        except AssertionError:
            result.failures.append(each)
        result.interleavings += 1
    return result


def _interleave(chance: random.Random, result: Result) -> None:
    reckoning, history = what.Reckoning(), hashlib.blake2b(digest_size=16)
    for _ in range(chance.randint(_FEWEST, _MOST)):
        name, arguments = _event(chance, reckoning)
        history.update(repr((name, arguments)).encode())
        result.happened[name] += 1
        if name == "outcome":
            arguments = (reckoning.written[arguments[0]], *arguments[1:])
        getattr(reckoning, name)(*arguments)
        reckoning.check()
    reckoning.end()
    result.seen.add(history.digest())
    result.replies.update(reply.status for _, reply in reckoning.scene.replies)


def _event(chance: random.Random, reckoning: what.Reckoning) -> tuple[str, tuple]:
    """One thing that may happen now, and its arguments; of an outcome the place in what was written."""
    weights = {**_WEIGHTS, "outcome": _WEIGHTS["outcome"] if reckoning.written else 0}
    (name,) = chance.choices(list(weights), list(weights.values()))
    return name, _ARGUMENTS.get(name, lambda *_: ())(chance, reckoning)


def _decision(chance: random.Random, reckoning: what.Reckoning) -> tuple:
    """Mostly about what is held."""
    held = sorted(name for name, life in reckoning.lives.items() if life.state == "held")
    event_id = chance.choice(held) if held and chance.random() < 0.8 else chance.choice(what.IDS)
    life = reckoning.lives.get(event_id)
    side = life.side if life is not None and life.side and chance.random() < 0.8 else chance.choice(what.SIDES)
    return event_id, side, chance.choice(what.ACTIONS)


_ARGUMENTS: Final = {
    "write": lambda chance, _: tuple(map(chance.choice, (what.IDS, what.BODIES, what.PARTITIONS))),
    "read": lambda chance, _: (chance.choice(what.PARTITIONS), chance.randint(1, 3)),
    "outcome": lambda chance, reckoning: (
        chance.randrange(len(reckoning.written)),
        *map(chance.choice, (what.STAGES, what.STATUSES, what.ON_EXPIRY)),
        chance.randint(1, 2),
    ),
    "decide": _decision,
    "cancel": lambda chance, _: (chance.choice(what.IDS),),
    "wait": lambda chance, _: (chance.choice(what.SECONDS),),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
