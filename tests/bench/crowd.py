"""Requests in a crowd, through the loop and nothing else: in memory, before an engine of a known speed.

The engine makes a token for each of its rows every so often and costs no processor, so that what is measured is the
scheduler and the loop around it. ``serving.py`` measures the same with a broker and a server.
"""

import json
import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, quantiles

from models.generation.engine import Capacity, Done
from models.generation.generator import Answer, Prompt
from models.generation.voice import Tell
from schemas.codec import Message
from schemas.conversation import Message as Turn
from schemas.errors import Code
from streams.infer.desk import Reply
from tests.bench.arrivals import CAPACITY, DEADLINE, LENGTHS, LOADS, PACE, PATIENCE, SLOTS
from tests.bench.figure import Figure
from tests.bench.memory import MemoryFeed, MemoryOutbox, serve, work_of

_SECONDS = 40.0
_TICK = 0.005
_PROMPT = 2  # tokens of it


class PacedEngine:
    """Makes a token for each row every ``PACE`` seconds."""

    name = version = kind = "paced"
    capacity = Capacity(SLOTS, 1_000_000)

    def __init__(self) -> None:
        self._rows: dict[int, tuple[Prompt, float]] = {}

    def load(self) -> None: ...
    def close(self) -> None: ...

    def submit(self, ticket: int, prompt: Prompt, tell: Tell | None = None) -> None:
        self._rows[ticket] = prompt, time.monotonic()

    def cancel(self, ticket: int) -> None:
        if ticket in self._rows:
            self._rows[ticket] = self._rows[ticket][0], 0.0

    def step(self) -> Sequence[Done]:
        time.sleep(_TICK)
        now, ended = time.monotonic(), []
        for ticket, (prompt, since) in list(self._rows.items()):
            late = now >= prompt.until
            if late or now >= since + prompt.max_tokens * PACE:
                del self._rows[ticket]
                ended.append(Done(ticket, _answer(prompt, int((now - since) / PACE), late=late), now - since, PACE))
        return ended


def _answer(prompt: Prompt, made: int, *, late: bool) -> Answer:
    """What it says, and the tokens that it took: apps are charged by them."""
    if late:
        return Answer(code=Code.DEADLINE_EXCEEDED, prompt_tokens=_PROMPT, completion_tokens=made)
    text = "word " * prompt.max_tokens
    return Answer(text=text, finish_reason="stop", prompt_tokens=_PROMPT, completion_tokens=prompt.max_tokens)


@dataclass(frozen=True)
class _Plan:
    """A request: when it is sent, for whom, and how many tokens its answer has."""

    at: float
    app: str
    tokens: int


class _Arriving(MemoryFeed):
    """Messages that come at their time, whatever becomes of those before."""

    def __init__(self, plans: Sequence[_Plan], deadline: float) -> None:
        super().__init__(())
        self._plans = deque(enumerate(sorted(plans, key=lambda plan: plan.at)))
        self._deadline = deadline
        self._start = time.monotonic()
        self.asked: dict[str, tuple[float, _Plan]] = {}

    def poll(self, seconds: float) -> Sequence[Message]:
        if seconds:
            time.sleep(min(seconds, _TICK))
        found = []
        while self._plans and self._start + self._plans[0][1].at <= time.monotonic():
            number, plan = self._plans.popleft()
            prompt = Prompt((Turn(role="user", content="Write."),), plan.tokens)
            self.asked[str(number)] = time.monotonic(), plan
            found.append(work_of(prompt, number, plan.app, self._deadline))
        return found


class _Timed(MemoryOutbox):
    """Notes when each completion was written."""

    def __init__(self, wanted: int) -> None:
        super().__init__(wanted)
        self.ended: list[tuple[float, Reply]] = []

    def add(self, reply: Reply) -> None:
        self.ended.append((time.monotonic(), reply))
        super().add(reply)


@dataclass(frozen=True)
class _Ended:
    """What became of a request: seconds to its first token and in all, and whether it has a text."""

    app: str
    first: float
    whole: float
    good: bool


def crowd_figures() -> list[Figure]:
    """requests in a crowd, without a broker"""
    return [*(figure for load in LOADS for figure in _open_loop(load)), *_flood()]


def _arrivals(rate: float, app: str, seed: int) -> list[_Plan]:
    rng, at, found = random.Random(seed), 0.0, []
    while rate and (at := at + rng.expovariate(rate)) < _SECONDS:
        found.append(_Plan(at, app, rng.choice(LENGTHS)))
    return found


def _run(plans: Sequence[_Plan], deadline: float) -> list[_Ended]:
    feed, outbox = _Arriving(plans, deadline), _Timed(len(plans))
    serve(PacedEngine(), feed, outbox)
    found = []
    for at, reply in outbox.ended:
        completion = json.loads(reply.publication.message.value or b"{}")
        begun, plan = feed.asked[dict(reply.publication.message.headers)["ce_id"].decode()]
        whole, good = at - begun, completion.get("text") is not None
        found.append(_Ended(plan.app, whole - completion["seconds"] + PACE, whole, good))
    return found


def _open_loop(load: float) -> list[Figure]:
    """Poisson arrivals at a share of capacity: first tokens, and who was answered in time."""
    ended, name = _run(_arrivals(load * CAPACITY, "a", 3), DEADLINE), f"loop at {load:.0%} of capacity"
    firsts = [each.first for each in ended if each.good]
    return [
        Figure(f"{name}: first token, p50", 1000 * _quantile(firsts, 50), "ms"),
        Figure(f"{name}: first token, p99", 1000 * _quantile(firsts, 99), "ms"),
        Figure(f"{name}: answered within {DEADLINE:g} s", 100 * mean(each.good for each in ended), "%"),
    ]


def _flood() -> list[Figure]:
    """The p99 of an app that asks for an eighth: by itself, beside one that takes the rest, and beside a flood."""
    steady, found = CAPACITY / 8, []
    for other in (0.0, CAPACITY - steady, 3 * CAPACITY):
        ended = _run([*_arrivals(steady, "steady", 5), *_arrivals(other, "other", 6)], PATIENCE)
        found.append(1000 * _quantile([each.whole for each in ended if each.app == "steady"], 99))
    alone = Figure("loop: p99 of an app by itself", found[0], "ms")
    return [
        alone,
        Figure("loop: the same, all slots wanted", found[1], "ms").against(alone),
        Figure("loop: the same beside a flood", found[2], "ms").against(alone),
    ]


def _quantile(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]
