"""How fast the guards are, alone and in the pipeline, on one thread."""

import time
from collections.abc import Callable

from guards.exchange import Exchange
from guards.guard import Passage, Side
from guards.pii import PiiGuard
from guards.pipeline import Case, Pipeline
from guards.registry import build_pipeline
from guards.secrets import SecretsGuard
from models.bundle import ModelBundle, load_bundle
from schemas.conversation import Message
from schemas.policy import Policy
from streams.judging.loading import parts_of
from streams.policies.files import shipped_policy
from streams.settings import load_settings
from tests.bench.figure import Figure
from tests.bench.texts import texts

_COUNT = 384
_BATCH = 32
_ROUNDS = 5
_WORDS = 44  # about 64 tokens


def guard_figures() -> list[Figure]:
    """the guards on one thread"""
    models = load_settings().models_directory
    started = time.process_time()
    bundle = load_bundle(models, threads=1)
    pipeline, policy = build_pipeline(parts_of(bundle)), shipped_policy()
    load = Figure("start: load models and guards", time.process_time() - started, "CPU s")
    encoder = Figure("encoder, 64 tokens", _best(bundle.encoder.encode, 100), "texts/CPU s")
    bare = Figure("bare classifiers", _best(lambda batch: _classify(bundle, batch), 200), "texts/CPU s")
    whole = Figure("pipeline, prompts", _best(lambda batch: _judge(pipeline, policy, batch), 300), "texts/CPU s")
    pii, secrets = PiiGuard(), SecretsGuard()
    pii.load()
    secrets.load()
    patterns = Figure(
        "patterns: PII and secrets", _best(lambda batch: _search(pii, secrets, batch), 400), "texts/CPU s"
    )
    return [load, encoder, bare.against(encoder), whole.against(bare), patterns.against(encoder)]


def _best(work: Callable[[list[str]], object], seed: int) -> float:
    """Texts a CPU second in the best of several rounds, each on texts that nothing has seen before."""
    best = 0.0
    for round_ in range(_ROUNDS + 1):
        fresh = texts(_COUNT, _WORDS, seed=seed + round_)
        started = time.process_time()
        for at in range(0, _COUNT, _BATCH):
            work(fresh[at : at + _BATCH])
        spent = time.process_time() - started
        if round_:  # the first warms up
            best = max(best, _COUNT / spent)
    return best


def _classify(bundle: ModelBundle, batch: list[str]) -> None:
    bundle.tagger.tag(batch)
    for text, features in zip(batch, bundle.encoder.encode(batch), strict=True):
        bundle.toxicity.predict(features, text)
        bundle.injection.predict(features, text)


def _judge(pipeline: Pipeline, policy: Policy, batch: list[str]) -> None:
    pipeline.judge([Case(Exchange(prompt=(Message(role="user", content=text),)), policy) for text in batch])


def _search(pii: PiiGuard, secrets: SecretsGuard, batch: list[str]) -> None:
    passages = [Passage(text, Side.PROMPT) for text in batch]
    pii.read(passages, {})
    secrets.read(passages, {})
