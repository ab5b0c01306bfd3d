"""Clean years of what prompts are about: how often `unusual_topics` and `prompt_novelty` page while nothing changes.

An app's prompts are about 35 topics, each with a share that has its own season and strays by itself. A conversation
stays with its topic, and its texts resemble each other in distance too. What is usual is chosen from the first
fortnight as the monitor does it, the level learnt from four weeks after that, and then a year is watched.
"""

import json
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
from scipy.special import expit, logit
from scipy.stats import chi2

from streams.monitor.series import Memory, studied
from tests.simulations.paths import Steps, scored, steps
from tests.simulations.traffic import MEAN_LENGTH, REFERENCE_HOURS, Conversations

TOPICS = 35
STUDY_HOURS = REFERENCE_HOURS // 2
YEAR_HOURS = 365 * 24
SERIES = ("unusual_topics", "prompt_novelty")
LIMITS = {"unusual_topics": 1.0, "prompt_novelty": 1.0, "both": 2.0, "both of 20": 20.0}
"""The sum of evidence that pages at a budget of one page in 90 days: a series alone, two, two among twenty."""
_LIKE = 0.3  # the correlation of events of a conversation, as in ``traffic``
_WITHIN = 12.0  # a + b of the beta distribution of a text's distance around its conversation's


@dataclass(frozen=True)
class Mood:
    """``events_per_day`` and ``wander``, as in ``traffic.Truth``: here of each topic's share, and of the distance."""

    events_per_day: float
    wander: float


def mood_of(seed: int) -> Mood:
    """Two volumes and two wanders in turn."""
    return Mood((1_000.0, 10_000.0)[seed % 2], (0.1, 0.2)[seed // 2 % 2])


def _stray(shape: tuple[int, int], wander: float, source: np.random.Generator) -> np.ndarray:
    """Hourly AR(1) with coefficient .8, one a column."""
    level = source.normal(0, wander, shape[1])
    found = np.empty(shape)
    for hour, noise in enumerate(source.normal(0, wander * sqrt(1 - 0.8**2), shape)):
        level = 0.8 * level + noise
        found[hour] = level
    return found


def _season(hours: int, source: np.random.Generator, columns: int) -> np.ndarray:
    """Hour of the day (its own phase) and weekend, on the logit, one a column."""
    hour = np.arange(hours)[:, None]
    phase, weekend = source.uniform(0, 2 * np.pi, columns), source.normal(0, 0.2, columns)
    return 0.3 * np.sin(2 * np.pi * hour / 24 + phase) + weekend * ((hour + 72) // 24 % 7 >= 5)


@dataclass(frozen=True)
class App:
    """What does not change: each topic's share and mean distance, seasons of both."""

    shares: np.ndarray
    distances: np.ndarray
    season: np.ndarray
    far: np.ndarray


def app_of(hours: int, source: np.random.Generator) -> App:
    shares = np.maximum(source.dirichlet(np.full(TOPICS, 0.4)), 1e-4)
    return App(
        shares / shares.sum(),
        source.uniform(0.25, 0.6, TOPICS),
        _season(hours, source, TOPICS),
        _season(hours, source, 1)[:, 0],
    )


def _topics(cumulated: np.ndarray, hour: np.ndarray, source: np.random.Generator) -> np.ndarray:
    """A topic for each row, drawn by the shares of its hour."""
    flat = (cumulated + np.arange(len(cumulated))[:, None]).ravel()
    return np.minimum(np.searchsorted(flat, hour + source.random(len(hour)), "right") - hour * TOPICS, TOPICS - 1)


@dataclass(frozen=True)
class Texts:
    """One row a text, in order of time; ``conversation`` counts from 0."""

    conversation: np.ndarray
    hour: np.ndarray
    topic: np.ndarray
    distance: np.ndarray


def texts(app: App, mood: Mood, start: int, hours: int, stray: np.ndarray, source: np.random.Generator) -> Texts:
    """The texts of the hours from ``start``; ``stray`` has a column for each topic and one for the distance."""
    at = slice(start, start + hours)
    weights = app.shares * np.exp(app.season[at] + stray[at, :TOPICS])
    cumulated = np.cumsum(weights / weights.sum(1, keepdims=True), axis=1)
    cumulated[:, -1] = 1.0
    count = source.poisson(mood.events_per_day / 24 / MEAN_LENGTH, hours)
    begun = np.repeat(np.arange(hours), count)
    length = source.integers(1, 21, len(begun))
    chief, taste = _topics(cumulated, begun, source), source.normal(0, 0.5, len(begun))
    conversation = np.repeat(np.arange(len(begun)), length)
    hour = begun[conversation]
    loyal = source.random(len(hour)) < sqrt(_LIKE)
    topic = np.where(loyal, chief[conversation], _topics(cumulated, hour, source))
    mean = expit(logit(app.distances[topic]) + (app.far[at] + stray[at, TOPICS])[hour] + taste[conversation])
    distance = source.beta(mean * _WITHIN, (1 - mean) * _WITHIN)
    return Texts(conversation, hour, topic, distance)


def _rows(found: Texts, values: np.ndarray, start: int) -> Conversations:
    """Those conversations with the sum of their values, hours counted from ``start``."""
    size = np.bincount(found.conversation)
    hour = found.hour[np.searchsorted(found.conversation, np.arange(len(size)))]
    return Conversations(start + hour, size, np.bincount(found.conversation, values))


def _joined(parts: list[Conversations]) -> Conversations:
    return Conversations(*(np.concatenate([getattr(p, f) for p in parts]) for f in ("hour", "events", "hits")))


def year(seed: int, hours: int = YEAR_HOURS) -> dict[str, int]:
    """The false pages of one app in a clean year, by what pages."""
    mood, source = mood_of(seed), np.random.default_rng([seed, 21])
    whole = STUDY_HOURS + REFERENCE_HOURS + hours
    app, stray = app_of(whole, source), _stray((whole, TOPICS + 1), mood.wander, source)
    usual = _usual(texts(app, mood, 0, STUDY_HOURS, stray, source))
    parts: dict[str, list[Conversations]] = {name: [] for name in SERIES}
    for start in range(STUDY_HOURS, whole, 28 * 24):
        found = texts(app, mood, start, min(28 * 24, whole - start), stray, source)
        strange = (~usual[found.topic]).astype(float)
        for name, values in zip(SERIES, (strange, found.distance), strict=True):
            parts[name].append(_rows(found, values, start - STUDY_HOURS))
    paths = {n: steps(scored(_joined(p), whole - STUDY_HOURS, f"{seed}/{n}")) for n, p in parts.items()}
    return {
        limit: _pages([paths[n] for n in SERIES if limit in (n, "both", "both of 20")], LIMITS[limit])
        for limit in LIMITS
    }


def _usual(found: Texts) -> np.ndarray:
    memory = Memory()
    for hour in range(STUDY_HOURS):
        counts = np.bincount(found.topic[found.hour == hour], minlength=TOPICS)
        memory = studied(memory, {f"{t:02}": int(n) for t, n in enumerate(counts) if n}, hour, REFERENCE_HOURS)
    assert memory.usual is not None
    return np.isin([f"{topic:02}" for topic in range(TOPICS)], memory.usual.names)


def _pages(paths: list[Steps], limit: float) -> int:
    """How often the sum of these series' evidence reaches the limit, from where all begin anew."""
    evidence, count = [path.none for path in paths], 0
    for hour in range(len(paths[0].growth)):
        evidence = [path.on(before, hour) for path, before in zip(paths, evidence, strict=True)]
        if sum(float((e @ p.weight).mean()) for e, p in zip(evidence, paths, strict=True)) >= limit:
            evidence, count = [path.none for path in paths], count + 1
    return count


def years(out: Path, first: int = 0, count: int = 223) -> dict[str, object]:
    """The pages of so many years; what is done is in a file beside, a line a year, and is not done again."""
    lines = out / "years.jsonl"
    out.mkdir(parents=True, exist_ok=True)
    known = {row["seed"]: row["pages"] for row in map(json.loads, lines.open())} if lines.exists() else {}
    with lines.open("a") as file:
        for seed in range(first, first + count):
            if seed not in known:
                known[seed] = year(seed)
                file.write(json.dumps({"seed": seed, "pages": known[seed]}) + "\n")
                file.flush()
    return summed(known)


def summed(known: dict[int, dict[str, int]]) -> dict[str, object]:
    """Pages beside what the budget allows: the larger of Poisson's exact bound and the normal one over years."""
    allowed = len(known) * YEAR_HOURS / (90 * 24)
    result: dict[str, object] = {"years": len(known), "allowed": allowed}
    for limit in LIMITS:
        pages = np.array([each[limit] for each in known.values()])
        normal = pages.sum() + 1.645 * pages.std(ddof=1) * sqrt(len(pages))
        upper = max(float(chi2.ppf(0.95, 2 * (pages.sum() + 1))) / 2, float(normal))
        result[limit] = {"pages": int(pages.sum()), "upper": upper, "of the budget": upper / allowed}
    return result
