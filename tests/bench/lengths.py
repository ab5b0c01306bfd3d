"""Whether long prompts starve short ones: first tokens of each kind by itself, and with the other kind beside it."""

import time
from collections.abc import Sequence
from statistics import median

from models.generation.engine import Done, Engine
from models.generation.generator import Prompt
from streams.infer.process import engine_of
from streams.settings import load_settings
from tests.bench import load
from tests.bench.figure import Figure

_SHORT = load.Mix(words=(8,), tokens=(8,))
_LONG = load.Mix(words=(700,), tokens=(8,))
_LONGS = 3
_SHORTS = 8
_GAP = 0.2  # seconds between two short ones, which begin when the long ones are being read


def length_figures() -> list[Figure]:
    """short prompts beside long ones"""
    engine = engine_of(load_settings())
    engine.load()
    short, long = load.prompts(_SHORTS, 21, _SHORT), load.prompts(_LONGS, 22, _LONG)
    shorts_alone, _ = _first_tokens(engine, short, ())
    _, longs_alone = _first_tokens(engine, (), long)
    shorts, longs = _first_tokens(engine, short, long)
    engine.close()
    of_shorts = Figure("short prompts: first token, p50, by themselves", shorts_alone, "s")
    of_longs = Figure("long prompts: first token, p50, by themselves", longs_alone, "s")
    return [
        of_shorts,
        Figure("short prompts: the same while long ones are read", shorts, "s").against(of_shorts),
        of_longs,
        Figure("long prompts: the same with short ones beside them", longs, "s").against(of_longs),
        Figure("short prompts would wait behind long ones, in turn", longs_alone, "s").against(of_shorts),
    ]


def _first_tokens(engine: Engine, short: Sequence[Prompt], long: Sequence[Prompt]) -> tuple[float, float]:
    """The median time to the first token of each kind; all long ones are asked first, the short ones follow."""
    for ticket, prompt in enumerate(long):
        engine.submit(-1 - ticket, prompt)
    start, asked, done = time.perf_counter(), 0, list[Done]()
    while len(done) < len(short) + len(long):
        while asked < len(short) and time.perf_counter() - start >= asked * _GAP:
            engine.submit(asked, short[asked])
            asked += 1
        done += engine.step()
    firsts = [[each.first_token or 0.0 for each in done if (each.ticket < 0) == is_long] for is_long in (False, True)]
    return tuple(median(found) if found else 0.0 for found in firsts)  # type: ignore[return-value] # two of them
