"""Requests to measure engines with, and how they are put to one: all at once, one by one, or as they come."""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import quantiles

from models.generation.continuous import ContinuousEngine
from models.generation.engine import Done, Engine
from models.generation.generator import Prompt
from models.generation.language_model import LanguageModel, ModelFile
from schemas.conversation import Message
from tests.bench.texts import texts

_WORDS = (8, 8, 30, 120, 400)
_TOKENS = (16, 32, 64, 128, 256)


@dataclass(frozen=True)
class Endless:
    """The same model, whose answers go on to their ``max_tokens``: the work is then the same for every engine."""

    file: ModelFile

    @property
    def name(self) -> str:
        return self.file.name

    def __call__(self) -> LanguageModel:
        return replace(self.file(), ends=frozenset())


@dataclass(frozen=True)
class Mix:
    """How long prompts (words) and answers (tokens) are."""

    words: tuple[int, ...] = _WORDS
    tokens: tuple[int, ...] = _TOKENS


def prompts(count: int, seed: int, mix: Mix | None = None) -> list[Prompt]:
    """So many prompts of mixed lengths, each different."""
    mix = mix or Mix()
    source = random.Random(seed)
    lengths = [source.choice(mix.words) for _ in range(count)]
    bodies = [texts(1, words, seed * 1_000_003 + n)[0] for n, words in enumerate(lengths)]
    return [Prompt((Message(role="user", content=body),), source.choice(mix.tokens)) for body in bodies]


def tokens(done: Iterable[Done]) -> int:
    """Tokens made."""
    return sum(each.answer.completion_tokens for each in done)


def at_once(engine: Engine, asked: Sequence[Prompt]) -> list[Done]:
    """Ask everything, and wait for all of it."""
    for ticket, prompt in enumerate(asked):
        engine.submit(ticket, prompt)
    done: list[Done] = []
    while len(done) < len(asked):
        done += engine.step()
    return done


def one_by_one(engine: Engine, asked: Sequence[Prompt]) -> list[Done]:
    """Ask each after the last has ended."""
    return [each for prompt in asked for each in at_once(engine, [prompt])]


def rate(work: Callable[[], list[Done]]) -> float:
    """Tokens a second by the clock."""
    start = time.perf_counter()
    made = tokens(work())
    return made / (time.perf_counter() - start)


@dataclass(frozen=True)
class Opened:
    """What came of requests that arrived at random, whatever the engine did."""

    first_p50: float
    first_p99: float
    in_time: float
    tokens_per_s: float


def open_loop(engine: ContinuousEngine, asked: Sequence[Prompt], per_second: float, deadline: float) -> Opened:
    """Poisson arrivals; ``in_time`` is the share of requests that were answered within ``deadline`` seconds."""
    source = random.Random(7)
    at, arrivals = 0.0, []
    for prompt in asked:
        at += source.expovariate(per_second)
        arrivals.append((at, prompt))
    start = time.monotonic()
    done: list[Done] = []
    ticket = 0
    while len(done) < len(asked):
        while ticket < len(arrivals) and start + arrivals[ticket][0] <= time.monotonic():
            due, prompt = arrivals[ticket]
            engine.submit(ticket, replace(prompt, until=start + due + deadline))
            ticket += 1
        done += engine.step()
    whole = time.monotonic() - start
    firsts = sorted(each.first_token for each in done if each.first_token is not None)
    cuts = quantiles(firsts, n=100, method="inclusive")
    good = [each for each in done if each.answer.text is not None]
    return Opened(cuts[49], cuts[98], len(good) / len(done), tokens(good) / whole)
