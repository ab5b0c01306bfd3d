"""Fine-tuning a whole encoder: reproducible, tolerant of unknown labels, and written as Detoxify wants it."""

import gzip
import json

import numpy as np
import pytest

from models.training.corpus import Example
from tests.fixtures.detoxify import CLASSES, FOUL
from tests.fixtures.later import Later

torch = Later("torch")
tuning = Later("models.training.tuning")
makers = Later("tests.fixtures.tiny_detoxify")
command = Later("models.training.__main__")

BRIEF = {"epochs": 2, "batch_texts": 16, "rate": 3e-3}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def test_same_seed_same_weights(random_bert):
    """Two fine-tunings on the same data give the same bytes, and leave torch's own random numbers alone."""
    state = torch.random.get_rng_state()
    first, second = (
        tuning.tune(random_bert, makers.taught_examples(), tuning.Tuning(**BRIEF), CLASSES).network for _ in range(2)
    )
    assert all(torch.equal(one, two) for one, two in zip(first.parameters(), second.parameters(), strict=True))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_an_unknown_label_teaches_nothing(random_bert):
    """The output of a label that no example knows stays as it began; any text is taken."""
    examples = [
        Example(text, "own", "toxic", {"toxic": n % 2}) for n, text in enumerate([FOUL, "", "\ud800", "a\0"] * 8)
    ]
    still = tuning.Tuning(epochs=2, batch_texts=16, rate=3e-3, decay=0.0)
    networks = [tuning.tune(random_bert, given, still, CLASSES).network for given in (examples, examples * 2)]
    first, second = (network.classifier.weight.detach()[1:] for network in networks)
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_every_row_is_in_one_batch():
    """Batches cover all rows once, and hold rows of like length."""
    lengths = np.arange(1000) % 50
    batches = list(tuning._batches(lengths, 16, np.random.default_rng(0)))
    assert sorted(np.concatenate(batches)) == list(range(1000))
    assert np.mean([np.ptp(lengths[batch]) for batch in batches]) < 5


def test_areas_are_by_known_label(taught_model):
    """A label counts the examples that know it; one with a single kind has no area; a blank text scores 0."""
    rows = [
        Example("You are a moron.", "own", "toxic", {"toxicity": 1, "insult": 1}),
        Example("You are a singer.", "own", "clean", {"toxicity": 0}),
        Example(" ", "own", "clean", {"toxicity": 0}),
    ]
    assert tuning.areas(taught_model, rows) == {"toxicity": 1.0}


def test_the_command_writes_a_checkpoint(random_bert, tmp_path, capsys):
    """`python -m models.training detoxify` fine-tunes, writes, loads what it wrote and tells its figures."""
    rows = [
        {"text": f"{example.text} {n}", "toxic": example.labels["toxic"], "labels": {}, "source": source}
        for n, example in enumerate(makers.taught_examples())
        for source in ("own", "surge")
    ]
    with gzip.open(tmp_path / "toxicity.jsonl.gz", "wt") as out:
        out.write("".join(json.dumps(row) + "\n" for row in rows))
    options = ["--data", str(tmp_path), "--encoder", str(random_bert), "--out", str(tmp_path / "out"), "--rows", "50"]
    command.main(["detoxify", *options])
    said = capsys.readouterr().out
    assert said.startswith("detoxify-minilm@")
    assert "50 texts" in said
    assert "aside (50 texts): {'toxicity':" in said
    assert (tmp_path / "out" / command.DETOXIFY_FILE).is_file()
