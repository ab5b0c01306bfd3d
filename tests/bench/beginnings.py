"""What it saves that prompts begin alike: an app's rules before every question, against rules that differ by a word."""

import time
from collections.abc import Sequence

from models.generation.engine import Engine
from models.generation.generator import Prompt
from schemas.conversation import Message
from streams.infer.process import engine_of
from streams.settings import load_settings
from tests.bench.figure import Figure

_SUBJECTS = ("prices", "orders", "returns", "parcels", "gifts", "invoices", "letters", "tea", "cups", "books")
_RULES = "You answer for a shop that sells tea, cups and books about both, and you keep to the following. " + " ".join(
    f"Rule {number}: say what is known about {subject}, briefly, and nothing else."
    for number, subject in enumerate(_SUBJECTS, start=1)
)
_QUESTIONS = 24
_TOKENS = 16


def beginning_figures() -> list[Figure]:
    """prompts that begin alike"""
    engine = engine_of(load_settings())
    engine.load()
    apart = Figure("prompts whose rules differ at the first word", _rate(engine, _prompts(alike=False)), "requests/s")
    alike = Figure("prompts of one app, whose rules are the same", _rate(engine, _prompts(alike=True)), "requests/s")
    engine.close()
    return [apart, alike.against(apart)]


def _prompts(*, alike: bool) -> list[Prompt]:
    return [
        Prompt(
            (
                Message(role="system", content=_RULES if alike else f"{number}: {_RULES}"),
                Message(role="user", content=f"What does article {100 + 7 * number} cost?"),
            ),
            _TOKENS,
        )
        for number in range(_QUESTIONS)
    ]


def _rate(engine: Engine, prompts: Sequence[Prompt]) -> float:
    start, ended = time.perf_counter(), 0
    for ticket, prompt in enumerate(prompts):
        engine.submit(ticket, prompt)
    while ended < len(prompts):
        ended += len(engine.step())
    return len(prompts) / (time.perf_counter() - start)
