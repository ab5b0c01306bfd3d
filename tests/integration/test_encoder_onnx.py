"""The real encoder: order, independence of the batch, odd text, memory, and no network."""

import socket
import threading

import numpy as np
import pytest

from models.encoder import OnnxEncoder

pytestmark = pytest.mark.weights

TEXTS = [
    "How do I kill a python process?",
    "The recipe needs two eggs and a spoon of sugar.",
    "😀 مرحبا 漢字",
    "",
    "Paris is the capital of France. " * 60,
    "hi",
    "\ud800 half a character",
]
# Integer products are exact and padding depends on the text alone; what is left is the last bit of fp32 sums.
TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def fresh(models_dir):
    """An encoder that remembers nothing."""
    made = OnnxEncoder(models_dir, cache_windows=0)
    made.load()
    return made


def cosine(first, second):
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def test_alone_equals_in_company(fresh):
    """A text has the same features alone, in a mixed batch and in another order, within 1e-6."""
    company = [*TEXTS, *(f"The cat sat on mat number {n} and looked at it." for n in range(60))]
    together = fresh.encode(company)
    reverse = fresh.encode(company[::-1])[::-1]
    for text, mixed, turned in zip(TEXTS, together, reverse, strict=False):
        (alone,) = fresh.encode([text])
        for other in (mixed, turned):
            np.testing.assert_allclose(other.mean, alone.mean, atol=TOLERANCE)
            np.testing.assert_allclose(other.peak, alone.peak, atol=TOLERANCE)
            np.testing.assert_array_equal(other.spans, alone.spans)


def test_shapes_and_norms(fresh):
    """Means have length one, peaks dominate nothing but their width, blank text has no windows."""
    for text, features in zip(TEXTS, fresh.encode(TEXTS), strict=True):
        windows = len(features.spans)
        assert features.mean.shape == features.peak.shape == (windows, fresh.dim)
        assert (windows > 0) is bool(text)
        assert features.mean.dtype == features.peak.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(features.mean, axis=1), 1, atol=1e-5)


def test_meaning_is_near(fresh):
    """A paraphrase is nearer than another subject."""
    one, same, other = fresh.encode(
        ["How can I cook rice?", "What is the way to prepare rice?", "The train leaves at nine."]
    )
    assert cosine(one.mean[0], same.mean[0]) > 0.7
    assert cosine(one.mean[0], other.mean[0]) < 0.3


def test_more_threads_same_features(models_dir, fresh):
    """Two threads give what one gives, within 1e-6."""
    double = OnnxEncoder(models_dir, threads=2, cache_windows=0)
    double.load()
    for one, two in zip(fresh.encode(TEXTS), double.encode(TEXTS), strict=True):
        np.testing.assert_allclose(one.mean, two.mean, atol=TOLERANCE)


def test_seen_text_is_remembered(models_dir):
    """A text seen before is not computed again; its arrays cannot be changed by a reader."""
    made = OnnxEncoder(models_dir)
    made.load()
    (first,) = made.encode(["a text to remember"])
    (again,) = made.encode(["a text to remember"])
    assert again is first
    with pytest.raises(ValueError, match="read-only"):
        first.mean[0, 0] = 1


def test_repeats_cost_one_window(fresh, monkeypatch):
    """Identical windows of a call reach the engine once."""
    rows = []
    run = fresh._engine.run
    monkeypatch.setattr(fresh._engine, "run", lambda ids, mask: rows.append(len(ids)) or run(ids, mask))
    fresh.encode(["a" * 60_000, "hello", "hello"])
    assert sum(rows) < 20  # of some 2,000


def test_threads_share_one_encoder(models_dir):
    """Loading and encoding from several threads at once gives everyone the same features."""
    made = OnnxEncoder(models_dir)
    seen = {}

    def work(name):
        made.load()
        seen[name] = made.encode(TEXTS)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for found in seen.values():
        for one, other in zip(seen[0], found, strict=True):
            np.testing.assert_allclose(one.mean, other.mean, atol=TOLERANCE)


def test_no_network(models_dir, monkeypatch):
    """Loading and encoding open no socket."""

    def refuse(*_args, **_kwargs):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    made = OnnxEncoder(models_dir)
    made.load()
    assert made.encode(["offline"])[0].mean.shape == (1, 384)
