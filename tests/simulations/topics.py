"""New kinds of real text in an app's prompts: hours until its series about topics page.

The data (a folder with the training sets of models/training) is not in the repository.
"""

import gzip
import json
import random
from pathlib import Path

import numpy as np

from guards.topics import Topics
from models.encoder import OnnxEncoder
from monitors.alarms.app import NEVER, evidence
from monitors.alarms.bins import bin_of
from monitors.alarms.series import begin, learn, step
from streams.monitor.series import Memory, studied
from streams.monitor.signals import stretched
from streams.settings import Settings

USUAL = ("relevance gpteacher", "relevance self_instruct")
SERIES, PER_HOUR, SHARE, SEEDS, TEXTS = 20, 42, 0.2, 4, 120
STUDY, REFERENCE, LIVE, CLEAN = 14 * 24, 28 * 24, 14 * 24, 60 * 24


def new_kinds(data: Path) -> dict[str, object]:
    """By kind of text, the hours to the page of each seed (null: none in a fortnight) and the series that led."""
    kinds = _placed(data)
    result: dict[str, object] = {}
    learnt = [_learnt(kinds, seed) for seed in range(SEEDS)]
    clean = [_until_page(kinds, each, None, CLEAN, seed) for seed, each in enumerate(learnt)]
    result["clean pages"] = sum(each is not None for each in clean)
    for kind in sorted(set(kinds) - set(USUAL)):
        result[kind] = [_until_page(kinds, each, kind, LIVE, seed) for seed, each in enumerate(learnt)]
    return result


def _placed(data: Path):
    """Topic and stretched distance of each text, by set and source."""
    texts: dict[str, set[str]] = {}
    for name, field in (("relevance", "prompt"), ("injection", "text"), ("toxicity", "text")):
        for line in gzip.decompress((data / f"{name}.jsonl.gz").read_bytes()).splitlines():
            row = json.loads(line)
            if row.get("relevant", 1):
                label = row.get("toxic", row.get("injection", ""))
                texts.setdefault(f"{name} {row['source']} {label}".strip(), set()).add(row[field][:800])
    encoder = OnnxEncoder(Settings().models_directory)
    encoder.load()
    topics = Topics(encoder)
    topics.load()
    chosen = {kind: random.Random(1).sample(sorted(own), TEXTS) for kind, own in texts.items() if len(own) >= TEXTS}
    placed = {kind: [topics.place(each) for each in encoder.encode(own)] for kind, own in sorted(chosen.items())}
    return {kind: [(p.topic, stretched(p.distance)) for p in own if p] for kind, own in placed.items()}


def _hour(kinds, source, new=None):
    kinds_of = (
        new if new and source.random() < SHARE else USUAL[source.integers(2)] for _ in range(source.poisson(PER_HOUR))
    )
    return [own[source.integers(len(own))] for own in (kinds[kind] for kind in kinds_of)]


def _bins(hour, events, usual):
    strange = bin_of(hour, [[float(topic not in usual)] for topic, _ in events])
    return {"unusual_topics": strange, "prompt_novelty": bin_of(hour, [[value] for _, value in events])}


def _learnt(kinds, seed):
    source, memory = np.random.default_rng(seed), Memory()
    for hour in range(STUDY):
        topics = [topic for topic, _ in _hour(kinds, source)]
        memory = studied(memory, {topic: topics.count(topic) for topic in topics}, hour, REFERENCE)
    usual = memory.usual.names
    past = [_bins(hour, _hour(kinds, source), usual) for hour in range(REFERENCE)]
    names = past[0]
    return usual, {n: begin(n, learn([each[n].summary for each in past]), NEVER, REFERENCE - 1) for n in names}


def _until_page(kinds, learnt, new, hours, seed):
    (usual, watches), source = learnt, np.random.default_rng(100 + seed)
    for hour in range(REFERENCE, REFERENCE + hours):
        bins = _bins(hour, _hour(kinds, source, new), usual)
        watches = {name: step(watch, bins[name]).watch for name, watch in watches.items()}
        seen = {name: evidence(watch.state) for name, watch in watches.items()}
        if sum(seen.values()) >= SERIES:  # the mean over all series of an app, the others without evidence
            return hour - REFERENCE + 1, max(seen, key=lambda name: seen[name])
    return None
