"""Rates measured on a machine: what a plan multiplies traffic with. Measuring takes half a minute of CPU time."""

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np

from guards.exchange import Exchange
from guards.pipeline import Case, Pipeline
from schemas.codec import validate
from schemas.conversation import Interaction
from schemas.errors import ConfigError
from schemas.policy import Policy
from streams.plan.range import Range

_LENGTHS: Final = (20, 80, 240)  # words a side
_EVENTS: Final = 16
_ROUNDS: Final = 3
_TEXT: Final = (
    "the order that I placed on Monday has not arrived and nobody answers the telephone so please tell me when it will "
    "come or send the money back to the account from which it was paid because the present is for a birthday next week"
)


@dataclass(frozen=True, slots=True)
class Profile:
    """One machine. Seconds are of one core's time; ``words`` are of both sides of an event together."""

    machine: str
    date: str
    guard_seconds_per_event: Range
    guard_seconds_per_word: Range
    settle_per_second: Range
    store_per_second: Range
    model_tokens_per_second: Range
    note: str


def measure_guards(pipeline: Pipeline, policy: Policy) -> tuple[Range, Range]:
    """What the guards cost for an event and for every word of it, on one thread, texts all different.

    A straight line through the CPU time of three lengths, three times: the least, the median and the most.
    """
    fits = [_fit([_seconds(pipeline, policy, words, seed) for words in _LENGTHS]) for seed in range(_ROUNDS)]
    fixed, word = (Range(*sorted(fit[each] for fit in fits)) for each in (0, 1))
    return fixed, word


def _seconds(pipeline: Pipeline, policy: Policy, words: int, seed: int) -> float:
    random = np.random.default_rng((seed, words))
    cases = [Case(Exchange.of(_interaction(random, words)), policy) for _ in range(_EVENTS)]
    started = time.process_time()
    pipeline.judge(cases)
    return (time.process_time() - started) / _EVENTS


def _interaction(random: np.random.Generator, words: int) -> Interaction:
    prompt, response = (" ".join(random.choice(_TEXT.split(), words)) for _ in range(2))
    body = {"app": "default", "prompt": prompt, "response": response}
    return validate(body, Interaction)


def _fit(seconds: Sequence[float]) -> tuple[float, float]:
    words = np.array([2 * length for length in _LENGTHS], dtype=float)
    slope, fixed = np.polyfit(words, seconds, 1)
    if fixed < 0:  # noise: then a line through nothing
        return 0.0, float(words @ np.array(seconds) / (words @ words))
    return float(fixed), float(slope)


def measured(pipeline: Pipeline, policy: Policy) -> Profile:
    """The shipped profile with the guards measured anew on this machine: they are most of what traffic costs."""
    fixed, word = measure_guards(pipeline, policy)
    shipped = shipped_profile()
    return Profile(
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
        date=datetime.now(UTC).date().isoformat(),
        guard_seconds_per_event=fixed,
        guard_seconds_per_word=word,
        settle_per_second=shipped.settle_per_second,
        store_per_second=shipped.store_per_second,
        model_tokens_per_second=shipped.model_tokens_per_second,
        note=f"guards measured here; settle, store and model as on {shipped.machine} on {shipped.date}",
    )


def shipped_profile() -> Profile:
    """The profile of the machine that docs/performance.md tells of."""
    return _read(json.loads((files("deploy") / "plans" / "profile.json").read_text(encoding="utf-8")))


def read_profile(path: Path) -> Profile:
    """The profile of a file that ``write_profile`` made.

    Raises:
        ConfigError: it is none.
    """
    try:
        return _read(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"is no profile: {type(error).__name__}", field=str(path)) from None


def write_profile(profile: Profile, path: Path) -> None:
    """Write it as JSON."""
    path.write_text(json.dumps(asdict(profile), indent=2) + "\n", encoding="utf-8")


def _read(values: dict[str, Any]) -> Profile:
    ranges = {name: Range(**value) for name, value in values.items() if isinstance(value, dict)}
    return Profile(**{**values, **ranges})
