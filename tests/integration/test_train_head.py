"""Training a head from a folder of labelled texts: files that load, and the same ones again for the same seed."""

import gzip
import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from models.heads import load_head
from schemas.errors import ConfigError
from streams.cli.models import app
from tests.fixtures.later import Later

tasks = Later("models.training.tasks")
heads = Later("models.training.heads")
pytestmark = pytest.mark.weights

FOOLS = ["fool", "clown", "liar", "pig", "rat", "loser", "coward", "creep"]
THINGS = ["lamp", "river", "poem", "bicycle", "garden", "soup", "train", "letter"]


@pytest.fixture
def data(tmp_path):
    """96 texts of two kinds, a third of them from the source that is kept aside."""
    rows = [
        {"text": text, "toxic": toxic, "labels": {"insult": toxic}, "source": "surge" if number % 3 == 0 else "own"}
        for toxic, words, frame in (
            (1, FOOLS, "You are a {} and number {} of many."),
            (0, THINGS, "I like the {} number {}."),
        )
        for number, text in enumerate(frame.format(word, n) for word in words for n in range(6))
    ]
    with gzip.open(tmp_path / "toxicity.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return tmp_path


@pytest.fixture(autouse=True)
def nothing_added(monkeypatch):
    """The shipped templates are 30,000 texts: minutes of the encoder's time."""
    monkeypatch.setitem(tasks.TASKS, "toxicity", replace(tasks.TASKS["toxicity"], augment=lambda *_: []))


def test_same_data_and_seed_same_files(data, models_dir, tmp_path):
    """Two runs write the same bytes, and another seed other weights."""
    written = [
        heads.train_head("toxicity", data, models_dir, tmp_path / out, tmp_path / "features", seed=seed)
        for out, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    weights = [trained.weights.read_bytes() for trained in written]
    assert weights[0] == weights[1] != weights[2]
    assert written[0].card.read_text() == written[1].card.read_text()


def test_the_command_writes_a_head_that_loads(data, models_dir, tmp_path, monkeypatch):
    """`weir models train` says what it measured, and the head tells the two kinds apart."""
    monkeypatch.setenv("WEIR_MODELS", str(models_dir))
    out = tmp_path / "out"
    features = str(tmp_path / "features")
    done = CliRunner().invoke(
        app, ["train", "toxicity", "--data", str(data), "--out", str(out), "--features", features]
    )
    assert done.exit_code == 0, done.output
    head = load_head(out / "toxicity-head.safetensors")
    card = json.loads((out / "toxicity-head.card.json").read_text())
    assert head.labels[0] == "toxicity"
    assert card["figures"]["aside"]["auc"]["toxicity"]["value"] > 0.9
    assert 0 <= card["reliability"]["error"]["low"] <= card["reliability"]["error"]["value"]
    assert sum(each["texts"] for each in card["reliability"]["bins"]) == card["figures"]["dev"]["texts"]


def test_what_is_no_head_is_refused(data, models_dir, tmp_path):
    """The error names what can be trained."""
    with pytest.raises(ConfigError, match="injection, toxicity"):
        heads.train_head("relevance", data, models_dir, tmp_path, tmp_path)
